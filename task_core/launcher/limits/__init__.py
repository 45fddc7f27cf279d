"""What holds a launcher back: a rate, rates of keys, and failures in a row."""
