"""Keys with which programs act for a member: made on the account's page, seen once, kept as a hash."""
