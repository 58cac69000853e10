"""What leaves as files: tables, layers, archives, reports."""
