"""Sending webhooks and mail: the recipients, what each has had, and safe outgoing requests."""
