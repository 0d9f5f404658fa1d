-- One row per message sent, or tried, through one channel; unaggregated, so that each delivery, acknowledgement and escalation stays visible.
SELECT
  org_slug,
  notification_id,
  rule_id,
  summary_id,
  channel_id,
  notification_type,
  priority,
  subject,
  body_preview,
  status,
  sent_at,
  delivered_at,
  error_message,
  retry_count,
  trigger_data,
  recipients,
  acknowledged_at,
  acknowledged_by,
  escalated,
  escalated_at,
  created_at
FROM {organizations}.org_notification_history
WHERE org_slug = {org_slug}
