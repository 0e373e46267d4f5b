"""Superpixels of frames: tables, frame choice, neighbours, smoothing and groups. Nothing here knows of files."""
