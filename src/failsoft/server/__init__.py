"""`failsoft serve`: the webhook, the metrics, the runbooks' worker and Slack, brought together."""
