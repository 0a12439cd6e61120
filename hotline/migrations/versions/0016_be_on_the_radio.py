"""Be on the radio: stations, shows, votes, questions, cards, and which prompt led to a report.

Revision: 0016, after 0017.

On PostgreSQL the studio's two roles are made and given their tables here, where whoever migrates may make roles; elsewhere
docs/operations.md has the lines for an administrator.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

import hotline.models.base

revision = "0016"
down_revision = "0017"
branch_labels = None
depends_on = None

LOOKING = "coalesce((SELECT current_setting('hotline.subjects', true)), '')"  # as migration 0013
HIDDEN = f"SELECT case_id FROM exclusion WHERE state <> 'dismissed' AND subject = ANY (string_to_array({LOOKING}, chr(31)))"  # noqa: S608
SEEN = f"{LOOKING} = '' OR case_id NOT IN ({HIDDEN})"
SHOWN = (
    *("radio_station", "radio_show", "radio_episode", "radio_segment", "radio_poll", "radio_tally", "radio_card", "radio_prompt"),
    "radio_airing",
)
MODERATED = (*SHOWN, "radio_question")
ROLES = """
DO $$ BEGIN
  IF (SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    BEGIN CREATE ROLE hotline_presenter NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
    BEGIN CREATE ROLE hotline_producer NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
    BEGIN
      EXECUTE format('GRANT hotline_presenter, hotline_producer TO %I', current_user);
    EXCEPTION WHEN insufficient_privilege OR unique_violation OR internal_error THEN NULL; END;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hotline_presenter') THEN
    GRANT SELECT ON {shown} TO hotline_presenter;
    GRANT UPDATE (segment_id, segment_at, card_id, blank, on_air_at, off_air_at) ON radio_episode TO hotline_presenter;
    GRANT UPDATE (shown_at) ON radio_card TO hotline_presenter;
    GRANT UPDATE (opened_at, closed_at) ON radio_poll TO hotline_presenter;
    GRANT INSERT ON radio_airing TO hotline_presenter;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hotline_producer') THEN
    GRANT SELECT, INSERT, UPDATE ON {moderated} TO hotline_producer;
  END IF;
END $$
"""


def upgrade() -> None:
    moment = hotline.models.base.Moment()
    text, number = sa.String(), sa.Integer()

    def column(name: str, kind: Any, *, empty: bool = False) -> sa.Column[Any]:
        return sa.Column(name, kind, nullable=empty)

    def make(
        name: str, *columns: sa.Column[Any], key: tuple[str, ...] = ("id",), of: dict[str, str] | None = None, unique: str = ""
    ) -> None:
        refers = [sa.ForeignKeyConstraint([one], [f"{to}.id"], name=op.f(f"fk_{name}_{one}")) for one, to in (of or {}).items()]
        once = [sa.UniqueConstraint(unique, name=op.f(f"uq_{name}_{unique}"))] if unique else []
        op.create_table(name, *columns, *refers, sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")), *once)

    def where(name: str, table: str, columns: list[str], when: str) -> None:
        op.create_index(name, table, columns, sqlite_where=sa.text(when), postgresql_where=sa.text(when))

    make(
        "radio_station",
        *(column(name, text) for name in ("id", "name")),
        column("aliases", sa.JSON()),
        column("created_at", moment),
        unique="name",
    )
    make(
        "radio_show",
        *(column(name, text) for name in ("id", "station_id", "name", "format", "language")),
        column("weekdays", sa.JSON()),
        *(column(name, number) for name in ("starts", "minutes")),
        *(column(name, text) for name in ("code", "keyword", "stream_url")),
        column("outline", sa.JSON()),
        column("budget", number),
        column("created_at", moment),
        of={"station_id": "radio_station"},
        unique="name",
    )
    make(
        "radio_episode",
        *(column(name, text) for name in ("id", "show_id")),
        *(column(name, moment) for name in ("starts_at", "ends_at")),
        *(column(name, moment, empty=True) for name in ("on_air_at", "off_air_at")),
        column("segment_id", text, empty=True),
        column("segment_at", moment, empty=True),
        column("card_id", text, empty=True),
        *(column(name, sa.Boolean()) for name in ("blank", "flood")),
        *(column(name, number) for name in ("diverted", "answers")),
        column("recording", text),
        of={"show_id": "radio_show"},
    )
    op.create_index(op.f("ix_radio_episode_show_id"), "radio_episode", ["show_id"])
    where("ix_radio_episode_on_air", "radio_episode", ["on_air_at"], "on_air_at IS NOT NULL")
    make(
        "radio_segment",
        *(column(name, text) for name in ("id", "episode_id")),
        column("place", number),
        *(column(name, text) for name in ("kind", "title")),
        column("minutes", number),
        column("say", sa.JSON()),
        of={"episode_id": "radio_episode"},
    )
    op.create_index("ix_radio_segment_episode", "radio_segment", ["episode_id", "place"])
    make(
        "radio_prompt",
        *(column(name, text) for name in ("id", "episode_id")),
        column("segment_id", text, empty=True),
        column("name", text),
        column("gives", sa.JSON()),
        of={"episode_id": "radio_episode", "segment_id": "radio_segment"},
    )
    op.create_index(op.f("ix_radio_prompt_episode_id"), "radio_prompt", ["episode_id"])
    make("radio_airing", column("id", text), column("prompt_id", text), column("at", moment), of={"prompt_id": "radio_prompt"})
    op.create_index(op.f("ix_radio_airing_prompt_id"), "radio_airing", ["prompt_id"])
    op.create_index(op.f("ix_radio_airing_at"), "radio_airing", ["at"])
    make(
        "radio_poll",
        *(column(name, text) for name in ("id", "episode_id", "segment_id", "prompt_id")),
        *(column(name, sa.JSON()) for name in ("question", "options")),
        *(column(name, moment, empty=True) for name in ("opened_at", "closed_at")),
        of={"episode_id": "radio_episode", "segment_id": "radio_segment", "prompt_id": "radio_prompt"},
    )
    op.create_index(op.f("ix_radio_poll_episode_id"), "radio_poll", ["episode_id"])
    where("ix_radio_poll_opened", "radio_poll", ["opened_at"], "opened_at IS NOT NULL")
    make(
        "radio_vote",
        column("poll_id", text),
        column("phone", sa.LargeBinary()),
        *(column(name, text) for name in ("choice", "language", "inlet")),
        column("at", moment),
        column("changes", number),
        key=("poll_id", "phone"),
        of={"poll_id": "radio_poll"},
    )
    make(
        "radio_tally",
        *(column(name, text) for name in ("poll_id", "choice", "language", "inlet")),
        column("votes", number),
        key=("poll_id", "choice", "language", "inlet"),
        of={"poll_id": "radio_poll"},
    )
    make(
        "radio_question",
        *(column(name, text) for name in ("id", "episode_id", "inbox_id")),
        *(column(name, sa.LargeBinary()) for name in ("phone", "sealed")),
        *(column(name, text) for name in ("language", "inlet")),
        column("received_at", moment),
        *(column(name, text) for name in ("state", "theme")),
        column("card_id", text, empty=True),
        of={"episode_id": "radio_episode"},
        unique="inbox_id",
    )
    op.create_index("ix_radio_question_episode", "radio_question", ["episode_id", "state", "received_at"])
    where("ix_radio_question_moving", "radio_question", ["id"], "state IN ('moving')")
    make(
        "radio_card",
        *(column(name, text) for name in ("id", "episode_id")),
        column("number", number),
        *(column(name, text) for name in ("text", "language", "inlet")),
        column("personal", sa.Boolean()),
        *(column(name, moment) for name in ("visible_from", "approved_at")),
        column("approved_by", text),
        column("shown_at", moment, empty=True),
        column("withdrawn", sa.Boolean()),
        of={"episode_id": "radio_episode"},
    )
    op.create_index("ix_radio_card_episode", "radio_card", ["episode_id", "number"])
    make(
        "radio_exposure",
        *(column(name, text) for name in ("case_id", "prompt_id", "how", "inlet")),
        column("certainty", number),
        column("at", moment),
        key=("case_id",),
        of={"case_id": "case", "prompt_id": "radio_prompt"},
    )
    op.create_index(op.f("ix_radio_exposure_prompt_id"), "radio_exposure", ["prompt_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE radio_exposure ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE radio_exposure FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY seen ON radio_exposure USING ({SEEN})")
        op.execute(ROLES.format(shown=", ".join(SHOWN), moderated=", ".join(MODERATED)))


def downgrade() -> None:
    for name in (
        "exposure",
        "card",
        "question",
        "tally",
        "vote",
        "poll",
        "airing",
        "prompt",
        "segment",
        "episode",
        "show",
        "station",
    ):
        op.drop_table(f"radio_{name}")
