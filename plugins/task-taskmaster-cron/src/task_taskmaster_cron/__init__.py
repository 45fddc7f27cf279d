"""A taskmaster that sends tasks at the times that a rules file tells."""
