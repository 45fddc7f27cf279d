"""Option values from flags, environment, TOML and URL, each with its origin."""
