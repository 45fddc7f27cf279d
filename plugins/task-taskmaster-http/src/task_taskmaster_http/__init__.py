"""The taskmaster `http`: requests in, tasks out."""
