"""Plumbing that knows no business noun. Its list of files is closed: an ADR opens it."""
