"""What alembic runs for each command: on the connection that it is given."""

from alembic import context

from biodata.store.account_models import Account

context.configure(connection=context.config.attributes["connection"], target_metadata=Account.metadata)
with context.begin_transaction():
    context.run_migrations()
