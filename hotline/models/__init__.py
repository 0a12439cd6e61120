"""Tables, one module an aggregate. Importing this package knows them all, which migrations need."""

from hotline.models.audit import AuditEvent
from hotline.models.base import Base, Moment, first_id, new_id, table, written_out
from hotline.models.beeps import IN_FLIGHT, Beep, BeepState
from hotline.models.calls import UNSETTLED, AudioForm, RecordedAudio, Recording, RecordingState, VoiceCall, sound_bound_to
from hotline.models.cases import AT_REST, Aside, Case, CaseKey, CaseState, Note, Referral, ReferralState, Verb
from hotline.models.comeback import CodeTry, ReturnCode
from hotline.models.dialled import DialledSession
from hotline.models.duty_calls import TO_BE_CALLED, DutyCall, DutyCallState
from hotline.models.inbox import (
    CALLS,
    SET_ASIDE,
    UNREAD,
    Counter,
    Inbox,
    InboxFlag,
    InboxKind,
    InboxState,
    Quarantine,
    QuarantineState,
    Reconciled,
)
from hotline.models.lessons import Correction, NamedClue
from hotline.models.messages import (
    DEAD_STATES,
    ON_THE_WAY,
    Attempt,
    Direction,
    GatewayHealth,
    Lane,
    Message,
    MessageKind,
    MessageState,
)
from hotline.models.people import Agency, Caller, Contact, Duty, Invitation, Officer, OfficerSession, SafeContact, Tier
from hotline.models.phones import PhoneText
from hotline.models.reports import RANK, Assessed, Reading, Report

__all__ = [
    "AT_REST",
    "CALLS",
    "DEAD_STATES",
    "IN_FLIGHT",
    "ON_THE_WAY",
    "RANK",
    "SET_ASIDE",
    "TO_BE_CALLED",
    "UNREAD",
    "UNSETTLED",
    "Agency",
    "Aside",
    "Assessed",
    "Attempt",
    "AudioForm",
    "AuditEvent",
    "Base",
    "Beep",
    "BeepState",
    "Caller",
    "Case",
    "CaseKey",
    "CaseState",
    "CodeTry",
    "Contact",
    "Correction",
    "Counter",
    "DialledSession",
    "Direction",
    "Duty",
    "DutyCall",
    "DutyCallState",
    "GatewayHealth",
    "Inbox",
    "InboxFlag",
    "InboxKind",
    "InboxState",
    "Invitation",
    "Lane",
    "Message",
    "MessageKind",
    "MessageState",
    "Moment",
    "NamedClue",
    "Note",
    "Officer",
    "OfficerSession",
    "PhoneText",
    "Quarantine",
    "QuarantineState",
    "Reading",
    "Reconciled",
    "RecordedAudio",
    "Recording",
    "RecordingState",
    "Referral",
    "ReferralState",
    "Report",
    "ReturnCode",
    "SafeContact",
    "Tier",
    "Verb",
    "VoiceCall",
    "first_id",
    "new_id",
    "sound_bound_to",
    "table",
    "written_out",
]
