"""What alembic runs for each command: on the connection that it is given."""

from alembic import context

from biodata.store.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
