-- One row per pipeline run; every column is kept, so a log page reads this view alone, and each run appears once because nothing is joined.
SELECT
  org_slug,
  pipeline_logging_id,
  pipeline_id,
  status,
  trigger_type,
  trigger_by,
  user_id,
  org_api_key_id,
  start_time,
  end_time,
  duration_ms,
  run_date,
  parameters,
  run_metadata,
  error_message,
  error_context
FROM {organizations}.org_meta_pipeline_runs
WHERE org_slug = {org_slug}
