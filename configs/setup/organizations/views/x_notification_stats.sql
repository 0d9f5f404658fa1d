-- One row per UTC day, type, priority and status; only counts, sums and extremes, which add up over days and refresh incrementally (rates are left to readers).
SELECT
  org_slug,
  DATE(created_at) AS notification_date,
  notification_type,
  priority,
  status,
  COUNT(*) AS notification_count,
  COUNT(sent_at) AS sent_count,
  COUNT(delivered_at) AS delivered_count,
  COUNT(acknowledged_at) AS acknowledged_count,
  COUNTIF(escalated) AS escalated_count,
  COUNT(error_message) AS error_count,
  SUM(COALESCE(retry_count, 0)) AS total_retries,
  MIN(created_at) AS first_created_at,
  MAX(created_at) AS last_created_at
FROM {organizations}.org_notification_history
WHERE org_slug = {org_slug}
GROUP BY
  org_slug,
  notification_date,
  notification_type,
  priority,
  status
