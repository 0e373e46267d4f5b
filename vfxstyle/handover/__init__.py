"""What other programs get: mattes, LUTs and CDLs."""
