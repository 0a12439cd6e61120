"""Tables, one module an aggregate. Importing this package knows them all, which migrations need."""

from hotline.models.audit import AuditEvent
from hotline.models.base import Base, Moment, new_id, table
from hotline.models.cases import Case, CaseKey, CaseState, Note, Referral, ReferralState, Verb
from hotline.models.dialled import DialledSession
from hotline.models.inbox import Counter, Inbox, InboxFlag, InboxKind, InboxState, Quarantine, QuarantineState
from hotline.models.messages import Attempt, Direction, Lane, Message, MessageKind, MessageState
from hotline.models.people import Agency, Caller, Contact, Duty, Officer, OfficerSession, SafeContact, Tier
from hotline.models.phones import PhoneText
from hotline.models.reports import RANK, Assessed, Reading, Report

__all__ = [
    "RANK",
    "Agency",
    "Assessed",
    "Attempt",
    "AuditEvent",
    "Base",
    "Caller",
    "Case",
    "CaseKey",
    "CaseState",
    "Contact",
    "Counter",
    "DialledSession",
    "Direction",
    "Duty",
    "Inbox",
    "InboxFlag",
    "InboxKind",
    "InboxState",
    "Lane",
    "Message",
    "MessageKind",
    "MessageState",
    "Moment",
    "Note",
    "Officer",
    "OfficerSession",
    "PhoneText",
    "Quarantine",
    "QuarantineState",
    "Reading",
    "Referral",
    "ReferralState",
    "Report",
    "SafeContact",
    "Tier",
    "Verb",
    "new_id",
    "table",
]
