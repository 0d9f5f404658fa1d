"""What users were promised by name: paths, tables, views and status values."""

from __future__ import annotations

BOOTSTRAP = "/api/v1/admin/bootstrap"
BOOTSTRAP_STATUS = f"{BOOTSTRAP}/status"
BOOTSTRAP_SYNC = f"{BOOTSTRAP}/sync"
DOCTOR = "/api/v1/admin/doctor"
ORGANIZATIONS = "/api/v1/organizations"
DRYRUN = f"{ORGANIZATIONS}/dryrun"
ONBOARD = f"{ORGANIZATIONS}/onboard"
ACME_STATUS = f"{ORGANIZATIONS}/acme_corp/status"
ACME_SYNC = f"{ORGANIZATIONS}/acme_corp/sync"

CENTRAL = "organizations"
ACME_DATASET = "acme_corp_prod"

CENTRAL_TABLES = [
    "org_api_keys",
    "org_audit_logs",
    "org_cost_tracking",
    "org_hierarchy",
    "org_idempotency_keys",
    "org_integration_credentials",
    "org_meta_dq_results",
    "org_meta_pipeline_runs",
    "org_meta_state_transitions",
    "org_meta_step_logs",
    "org_notification_channels",
    "org_notification_history",
    "org_notification_rules",
    "org_notification_summaries",
    "org_pipeline_configs",
    "org_pipeline_execution_queue",
    "org_profiles",
    "org_scheduled_pipeline_runs",
    "org_subscriptions",
    "org_usage_quotas",
]
ORGANIZATION_TABLES = [
    "cloud_aws_billing_raw_daily",
    "cloud_azure_billing_raw_daily",
    "cloud_gcp_billing_raw_daily",
    "cloud_oci_billing_raw_daily",
    "contract_commitment_1_3",
    "cost_data_standard_1_3",
    "genai_commitment_costs_daily",
    "genai_commitment_pricing",
    "genai_commitment_usage_raw",
    "genai_costs_daily_unified",
    "genai_infrastructure_costs_daily",
    "genai_infrastructure_pricing",
    "genai_infrastructure_usage_raw",
    "genai_payg_costs_daily",
    "genai_payg_pricing",
    "genai_payg_usage_raw",
    "genai_usage_daily_unified",
    "subscription_plan_costs_daily",
    "subscription_plans",
]
VIEWS = ["x_all_notifications", "x_notification_stats", "x_org_hierarchy", "x_pipeline_exec_logs"]
STATUSES = {"SYNCED", "OUT_OF_SYNC", "NOT_BOOTSTRAPPED", "PROFILE_ONLY", "NOT_FOUND"}
TENANTS_TABLES = [
    "pipeline_execution_queue",
    "scheduled_pipeline_runs",
    "tenant_api_keys",
    "tenant_cloud_credentials",
    "tenant_pipeline_configs",
    "tenant_profiles",
    "tenant_subscriptions",
    "tenant_usage_quotas",
]
# The table that the users' text adds.
NEW_TABLE = [{"name": "field_name", "type": "STRING", "mode": "REQUIRED", "description": "Field description"}]
