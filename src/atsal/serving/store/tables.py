"""The tables of the store."""

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

METADATA = MetaData()
_ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only in INTEGER

JOBS = Table(
    "jobs",
    METADATA,
    Column("number", _ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("options", JSON, nullable=False),
    Column("source", JSON, nullable=False),
    Column("file", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("owner", String(100), nullable=False),
    Column("created_s", Float(53), nullable=False),
    Column("state", String(16), nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("reason", Text, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("server", String(32), nullable=False),
    Column("started_s", Float(53)),
    Column("ended_s", Float(53)),
    Column("expires_s", Float(53)),
    Column("request_id", String(64), nullable=False),
    Column("idempotency_key", String(255)),
    Column("parent", String(32), nullable=False),
    Column("results", JSON, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    UniqueConstraint("owner", "idempotency_key", name="jobs_once"),
)
Index("jobs_of_owner", JOBS.c.owner, JOBS.c.number)
Index("jobs_with_files", JOBS.c.owner, JOBS.c.bytes)
Index("jobs_in_state", JOBS.c.state, JOBS.c.owner, JOBS.c.number)
Index("jobs_of_state", JOBS.c.state, JOBS.c.number)
Index("jobs_counted", JOBS.c.state, JOBS.c.kind)
Index("jobs_of_kind", JOBS.c.kind, JOBS.c.number)
Index("jobs_of_parent", JOBS.c.parent)
Index("jobs_to_remove", JOBS.c.expires_s)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", String(8), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("created_s", Float(53), nullable=False),
    Column("expires_s", Float(53)),
)
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", String(8), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("token", String(8), nullable=False, index=True),
    Column("expires_s", Float(53), nullable=False),
)
UPLOADS = Table(
    "uploads",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("owner", String(100), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_s", Float(53), nullable=False),
    Column("expires_s", Float(53), nullable=False, index=True),
)
