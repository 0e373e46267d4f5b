"""What a farm and a terminal need to know of a running job."""
