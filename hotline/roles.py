"""Who may do what, as data (docs/safety.md). The table drives the guard of every console route and its test.

Nobody's role sums to everything: an administrator never reads a case, an auditor never edits one.
"""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is at this hotline."""

    INTAKE = "intake"
    SUPERVISOR = "supervisor"
    AGENCY = "agency"
    BROADCASTER = "broadcaster"
    PRESENTER = "presenter"
    PRODUCER = "producer"
    AUDITOR = "auditor"
    ADMIN = "admin"


class May(StrEnum):
    """What a route lets somebody do. A console route without one refuses to start."""

    SEE_TODAY = "see what burns, what is one's own, who is on duty and how the hotline is"
    SEE_QUEUE = "see the queue: handles, states, clocks"
    READ_CASE = "read the words of a case"
    WORK_CASE = "claim, acknowledge, note"
    REPLY = "write to a caller"
    CALL = "call a caller without seeing the number"
    ASK_NUMBER = "ask to see a caller's number"
    DECIDE_NUMBER = "decide whether a colleague may see a number"
    THAW = "let a frozen item be written to again"
    KEEP_CASE = "keep a closed case beyond its days, for a court or an inquiry"
    PROPOSE_EXCLUSION = "say who must not know of a case"
    DECIDE_EXCLUSION = "decide who must not know of a case"
    SEE_ROTA = "see who is on duty"
    OWN_REFERRALS = "see what one's own agency was told of, and answer it"
    KEEP_RULES = "change the rules of who is told, try them and put them in force"
    KEEP_DIRECTORY = "keep the directory: who can be told, their numbers, hours and absences"
    SEE_DEAD = "see what was set aside, and why"
    MEND = "try again, have checked again or settle what was set aside"
    READ_AUDIT = "read the audit record"
    VERIFY_AUDIT = "have the audit record checked from end to end"
    SEE_HEALTH = "see gateways, workers and what is stuck"
    MANAGE_GATEWAYS = "try a gateway, and leave one alone for a while"
    OPEN_LINE = "open the line to the public, or put it back into practice"
    SEE_FIGURES = "see counts and trends, in which small numbers are left out"
    SEE_OUTCOMES = "see which prompts of radio led to reports, and what became of them, in which small numbers are left out"
    SEE_BROADCASTS = "see texts to many: words, counts, what became of them"
    BROADCAST = "write texts to many, and send what was approved"
    HOLD_BROADCAST = "pause a text to many, let it go on, or end it"
    APPROVE_BROADCAST = "approve a text to many that somebody else wrote"
    SEE_STUDIO = "see the studio of a show: counts and approved cards, and put it on air"
    MAKE_SHOWS = "make shows, and read and approve what listeners ask"
    MANAGE_TEAM = "invite people, give roles, strike off"
    MANAGE_KEYS = "give keys to partners' programs, and take them back"
    USE_PHONES = "use the browser phones of a demo"


MATRIX: dict[Role, frozenset[May]] = {
    Role.INTAKE: frozenset(
        {
            May.SEE_TODAY,
            May.SEE_QUEUE,
            May.READ_CASE,
            May.WORK_CASE,
            May.REPLY,
            May.CALL,
            May.ASK_NUMBER,
            May.PROPOSE_EXCLUSION,
            May.SEE_ROTA,
            May.SEE_DEAD,
            May.SEE_FIGURES,
        }
    ),
    Role.SUPERVISOR: frozenset(
        set(May)
        - {May.READ_AUDIT, May.VERIFY_AUDIT, May.MANAGE_TEAM, May.MANAGE_GATEWAYS, May.BROADCAST, May.USE_PHONES}
        - {May.OWN_REFERRALS, May.OPEN_LINE, May.MANAGE_KEYS}
    ),
    Role.AGENCY: frozenset({May.OWN_REFERRALS}),
    Role.BROADCASTER: frozenset({May.SEE_BROADCASTS, May.BROADCAST, May.HOLD_BROADCAST}),
    Role.PRESENTER: frozenset({May.SEE_STUDIO}),
    Role.PRODUCER: frozenset({May.SEE_STUDIO, May.MAKE_SHOWS}),
    Role.AUDITOR: frozenset(
        {
            May.SEE_TODAY,
            May.SEE_QUEUE,
            May.READ_AUDIT,
            May.VERIFY_AUDIT,
            May.SEE_BROADCASTS,
            May.SEE_FIGURES,
            May.SEE_OUTCOMES,
        }
    ),
    Role.ADMIN: frozenset(
        {
            May.SEE_TODAY,
            May.SEE_ROTA,
            May.KEEP_DIRECTORY,
            May.SEE_HEALTH,
            May.MANAGE_TEAM,
            May.MANAGE_KEYS,
            May.MANAGE_GATEWAYS,
            May.OPEN_LINE,
            May.VERIFY_AUDIT,
            May.SEE_FIGURES,
        }
    ),
}


def allows(role: str, act: May) -> bool:
    """Whether a role may do an act; an unknown role may do nothing."""
    return role in MATRIX and act in MATRIX[Role(role)]
