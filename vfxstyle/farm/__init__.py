"""Farms: the grades of many shots as jobs, cut into tasks, and run by a farm manager or here."""
