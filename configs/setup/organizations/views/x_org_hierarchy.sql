-- One row per current entity of the hierarchy, such as a department; superseded versions (end_date set) are left out, inactive entities stay so that past costs keep their place.
SELECT
  org_slug,
  id,
  entity_type,
  entity_id,
  entity_name,
  parent_id,
  parent_type,
  dept_id,
  dept_name,
  project_id,
  project_name,
  team_id,
  team_name,
  owner_id,
  owner_name,
  owner_email,
  description,
  metadata,
  is_active,
  created_at,
  created_by,
  updated_at,
  updated_by,
  version,
  level,
  path,
  path_names
FROM {organizations}.org_hierarchy
WHERE org_slug = {org_slug}
  AND end_date IS NULL
