"""An opened plate: its colour space, its analysis picture, its stamps, and reading ahead."""
