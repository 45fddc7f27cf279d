"""What runs workers and taskmasters against a bus. Knows no plugins."""
