"""What rule files of taskmasters share."""
