"""Accounts, their roles, and how they show who they are; a key that was there before gets an account of its own."""

import re
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0004"
down_revision: Final = "0003"

NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT: Final = sa.DateTime(timezone=True)

# A contributor uploaded; a curator was to review, too. Each key keeps what it could do, and the dataset that it is for.
_ACCOUNTS: Final = (
    "INSERT INTO account (name, label, token_version, created) SELECT 'key-' || id, label, 1, created FROM api_key",
    """
    INSERT INTO role_binding (account_id, role, dataset, granted_by, created)
    SELECT account.id, roles.role, api_key.dataset, 'an earlier version', api_key.created
    FROM api_key JOIN account ON account.name = 'key-' || api_key.id
    JOIN (SELECT 'uploader' AS role UNION ALL SELECT 'reviewer') AS roles
        ON roles.role = 'uploader' OR api_key.role = 'curator'
    """,
    "UPDATE submission SET account_id = (SELECT id FROM account WHERE name = 'key-' || submission.api_key_id)",
    "UPDATE api_key SET account_id = (SELECT id FROM account WHERE name = 'key-' || api_key.id)",
)


def upgrade() -> None:
    """Make the tables, and an account for every key."""
    _make_tables()
    for table in ("submission", "api_key"):
        op.add_column(table, sa.Column("account_id", NUMBER, nullable=True))
    for statement in _ACCOUNTS:
        op.execute(sa.text(statement))
    _keep_datasets()
    # SQLite makes a table anew to change it: first the one that refers to the other.
    with op.batch_alter_table("submission") as changed:
        changed.drop_constraint("uq_submission_idempotency", type_="unique")
        changed.drop_column("api_key_id")
        changed.create_foreign_key("fk_submission_account", "account", ["account_id"], ["id"])
        changed.create_unique_constraint("uq_submission_of_account", ["account_id", "idempotency_key"])
    with op.batch_alter_table("api_key") as changed:
        changed.alter_column("role", existing_type=sa.String(20), nullable=True)
        changed.alter_column("account_id", existing_type=NUMBER, nullable=False)
        changed.create_foreign_key("fk_api_key_account", "account", ["account_id"], ["id"])
    op.execute(sa.text("UPDATE api_key SET role = NULL"))
    op.create_index(op.f("ix_api_key_account_id"), "api_key", ["account_id"])
    made = ("account", "role_binding", "login", "refresh_token", "identity", "one_time_code")
    count_changes((*made, "submission", "api_key"))


def _keep_datasets() -> None:
    """Say which dataset a key uploads to where its sender tells none: one called as the key, as before."""
    bind = op.get_bind()
    unbound = """
        SELECT account.id, label FROM account
        JOIN role_binding AS r ON r.account_id = account.id AND r.role = 'uploader' AND r.dataset IS NULL
    """
    for account, label in bind.execute(sa.text(unbound)).all():
        dataset = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "surveys"
        own = """
            INSERT INTO role_binding (account_id, role, dataset, granted_by, created)
            SELECT id, 'uploader', :dataset, 'an earlier version', created FROM account WHERE id = :account
        """
        bind.execute(sa.text(own), {"dataset": dataset, "account": account})


def _make_tables() -> None:
    """Make what was not there before."""
    op.create_table(
        "account",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("disabled", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    _of_account(
        "role_binding",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("country", sa.String(2), nullable=True),
        *(sa.Column(name, sa.String(255), nullable=True) for name in ("dataset", "area", "taxon")),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _of_account(
        "login",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("method", sa.String(100), nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.Column("revoked", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "refresh_token",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("login_id", sa.String(32), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.Column("used", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("sha256"),
        sa.ForeignKeyConstraint(["login_id"], ["login.id"]),
    )
    op.create_index(op.f("ix_refresh_token_login_id"), "refresh_token", ["login_id"])
    _of_account(
        "identity",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("issuer", "subject", name="uq_identity_subject"),
    )
    _of_account(
        "one_time_code",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.Column("used", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("sha256"),
    )


def _of_account(table: str, *parts: sa.Column[Any] | sa.Constraint) -> None:
    """Make a table whose rows each belong to an account."""
    op.create_table(
        table,
        *parts,
        sa.Column("account_id", NUMBER, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
    )
    op.create_index(op.f(f"ix_{table}_account_id"), table, ["account_id"])
