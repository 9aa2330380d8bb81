"""Run by alembic with the connection that crypitor.database.migrate opened."""

from alembic import context

connection = context.config.attributes["connection"]


def note(*, step, **_):
    context.config.attributes["applied"].append(step.up_revision_id)


context.configure(
    connection=connection,
    target_metadata=None,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
    on_version_apply=note,
)
context.run_migrations()
