"""Settings: one class, one help sentence a field, and the only reader of the environment.

Every field can be set as `HOTLINE_<FIELD>` in the environment or in `.env`. `DATABASE_URL` and `REDIS_URL` are understood
without the prefix because hosts set them so. docs/operations.md lists all of them, and a test compares.
"""

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from datetime import time
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LONGEST_SOCKET = 100
SHORTEST_SECRET = 32  # characters of a secret that stands in for a signature
LADDER_STEP = re.compile(r"[1-9][0-9]{0,6}:(next|call|supervisor|everyone)")
GATEWAY_RATE = re.compile(r"[a-z0-9_]+:[1-9][0-9]{0,4}")
DEMO_MARK = "demo"  # a file in the instance folder: invented people never become real ones
PROJECT = Path(__file__).resolve().parent.parent
adopt = os.environ.update  # makes a `child_environment` this process's own: for a fork that becomes what would be started


class Settings(BaseSettings):
    """Everything a deployment can choose. Construct once a process; see `load`."""

    model_config = SettingsConfigDict(env_prefix="HOTLINE_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    # Where things are
    instance: Path = Field(Path("instance"), description="Folder of keys, embedded database, embedded Redis and logs.")
    templates: Path = Field(PROJECT / "message_templates", description="Folder of the words said to people.")
    database_url: str = Field(
        "",
        validation_alias=AliasChoices("HOTLINE_DATABASE_URL", "DATABASE_URL"),
        description="PostgreSQL or SQLite address; empty means SQLite in the instance folder.",
    )
    redis_url: str = Field(
        "",
        validation_alias=AliasChoices("HOTLINE_REDIS_URL", "REDIS_URL"),
        description="Redis address; empty means an embedded server on a socket in the instance folder.",
    )

    # Doors
    web_host: str = Field("127.0.0.1", description="Address the webhook listener binds.")
    web_port: int = Field(8000, description="Port of the webhook listener.")
    web_workers: int = Field(2, ge=1, description="Processes of the webhook listener.")
    web_threads: int = Field(8, ge=1, description="Threads in each process of the webhook listener.")
    desk_host: str = Field("127.0.0.1", description="Address the console binds.")
    desk_port: int = Field(8001, description="Port of the console and, in a demo, of the browser phones.")
    desk_threads: int = Field(2, ge=1, description="Threads of the console's one process.")
    simulator_url: str = Field("", description="Address of the browser phones' network; empty means the console's.")
    public_url: str = Field(
        default_factory=lambda chosen: f"http://127.0.0.1:{chosen['web_port']}",
        description="Address gateways were told to call; signatures are checked against it, never against the request.",
    )
    console_url: str = Field(
        default_factory=lambda chosen: f"http://127.0.0.1:{chosen['desk_port']}",
        description="Address officers open; used in links and Origin checks.",
    )
    inner_url: str = Field(
        default_factory=lambda chosen: chosen["public_url"],
        description="Address of the webhook listener for gateways on this machine or network; empty means the public one.",
    )
    hook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Secrets from which those in the paths of unsigned webhooks are derived, current first, comma separated.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Networks of our own proxies, comma separated; only they are believed who the client is."
    )
    max_body_kib: int = Field(256, ge=64, description="Largest webhook body read at all, in KiB.")
    commit_wait_seconds: float = Field(1.5, gt=0, description="How long a webhook waits for its commit before it is spooled.")
    spool_folder: Path = Field(
        default_factory=lambda chosen: chosen["instance"] / "spool",
        description="Folder of webhooks taken while the database was away.",
    )
    second_spool_folder: str = Field("", description="Another, on another disk, for when that one fails; empty for none.")

    # Gateways
    gateway: str = Field("simulator", description="Gateway that carries outgoing texts.")
    second_gateway: str = Field("", description="Gateway that repeats life-danger alerts when the first fails; empty for none.")
    twilio_account_sid: str = Field("", description="Twilio account SID.")
    twilio_auth_tokens: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Twilio auth tokens, current first, comma separated: two while a token is being rotated."
    )
    twilio_from: str = Field("", description="Sender (number, short code or name) of texts sent through Twilio.")
    twilio_api_url: str = Field("https://api.twilio.com", description="Base address of Twilio's REST API.")
    africastalking_username: str = Field("", description="Africa's Talking username of the application.")
    africastalking_api_key: SecretStr = Field(SecretStr(""), description="Africa's Talking API key.")
    africastalking_voice_url: str = Field(
        "https://voice.africastalking.com", description="Address of Africa's Talking's voice API; another one for tests."
    )
    africastalking_from: str = Field("", description="Sender (short code or registered name) of texts through Africa's Talking.")
    africastalking_recording_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("africastalking.com",), description="Hosts, comma separated, from which recordings of its calls are fetched."
    )
    africastalking_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Networks Africa's Talking calls from, comma separated; empty lets every address try the secret."
    )
    africastalking_api_url: str = Field(
        "https://api.africastalking.com", description="Base address of Africa's Talking's REST API."
    )
    kannel_send_url: str = Field("", description="Address of smsbox's sendsms, such as http://127.0.0.1:13013/cgi-bin/sendsms.")
    kannel_username: str = Field("", description="User of Kannel's sendsms-user group.")
    kannel_password: SecretStr = Field(SecretStr(""), description="Password of Kannel's sendsms-user group.")
    kannel_from: str = Field("", description="Sender (short code or name) of texts through Kannel.")
    jasmin_send_url: str = Field("", description="Address of Jasmin's HTTP API, such as http://127.0.0.1:1401/send.")
    jasmin_username: str = Field("", description="User of Jasmin, at most 16 characters.")
    jasmin_password: SecretStr = Field(SecretStr(""), description="Password of Jasmin's user, at most 16 characters.")
    jasmin_from: str = Field("", description="Sender (short code or name) of texts through Jasmin.")
    smsgate_send_url: str = Field(
        "https://api.sms-gate.app/3rdparty/v1/messages", description="Address the Android phone's server takes texts at."
    )
    smsgate_username: str = Field("", description="User shown in the Android app.")
    smsgate_password: SecretStr = Field(SecretStr(""), description="Password shown in the Android app.")
    smsgate_signing_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Signing keys of the Android app's webhooks, current first, comma separated."
    )
    smsgate_sim: int = Field(0, ge=0, le=3, description="SIM slot texts leave by, 1 to 3; 0 means the phone's own choice.")
    httpsms_api_url: str = Field("https://api.httpsms.com", description="Base address of the httpSMS server.")
    httpsms_api_key: SecretStr = Field(SecretStr(""), description="httpSMS API key.")
    httpsms_from: str = Field("", description="Number of the phone that sends through httpSMS.")
    httpsms_signing_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Signing keys of httpSMS webhooks, current first, comma separated."
    )
    external_fields: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Names of an aggregator's fields, as from=…,to=…,text=…,id=…; a dot leads into a JSON object."
    )
    external_receipt_fields: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Names of its receipt's fields, as id=…,message=…,status=…,code=…; message is our own id."
    )
    external_states: Annotated[tuple[str, ...], NoDecode] = Field(
        ("sent=SENT ACCEPTD", "delivered=DELIVERED DELIVRD", "undelivered=UNDELIV EXPIRED", "failed=FAILED REJECTD"),
        description="What its receipts say, as ours=theirs theirs; ours are accepted, sent, delivered, undelivered, failed.",
    )
    external_answer: str = Field("", description="Body the aggregator wants to hear once a webhook is stored.")
    external_send_url: str = Field(
        "",
        description="Template of the address that sends: {{to}}, {{digits}}, {{from}}, {{text}}, {{id}}, {{receipt}}, {{key}}.",
    )
    external_send_method: str = Field("POST", pattern="GET|POST|PUT", description="Method of sending.")
    external_send_headers: str = Field(
        "Content-Type: application/x-www-form-urlencoded", description="Template of the headers of sending, separated by a bar."
    )
    external_send_body: str = Field(
        "", description="Template of the body of sending; Content-Type decides how values are escaped."
    )
    external_key: SecretStr = Field(SecretStr(""), description="Key or password that stands where a template says {{key}}.")
    external_from: str = Field("", description="Sender (short code or name) of texts through the aggregator.")
    external_accepted: str = Field(
        "", description="Pattern that the answer to an accepted text contains; empty means any answer."
    )
    external_id_pattern: str = Field("", description="Pattern whose first group is the aggregator's id in its answer.")
    mail_host: str = Field("", description="Mail server that takes e-mail to contacts; empty means none is sent.")
    mail_port: int = Field(587, ge=1, le=65535, description="Its port.")
    mail_security: str = Field(
        "starttls", pattern="starttls|tls|none", description="`starttls`, `tls` (port 465), or `none` for one on this machine."
    )
    mail_username: str = Field("", description="User of the mail server; empty for one that asks for none.")
    mail_password: SecretStr = Field(SecretStr(""), description="Its password.")
    mail_from: str = Field("", description="Sender of e-mail; who can read its domain learns who runs this.")
    webhook_out: bool = Field(default=False, description="Whether signed webhooks leave at all.")
    webhook_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Private networks, comma separated, that signed webhooks may go to; no other private address is.",
    )
    partners_ca: str = Field("", description="PEM file of certificates believed beside the system's; empty for none.")
    connect_timeout_seconds: float = Field(3.0, gt=0, description="Time-out to connect to a gateway.")
    read_timeout_seconds: float = Field(10.0, gt=0, description="Time-out to read a gateway's answer.")
    gateway_rates: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Most texts a second through a gateway, all workers together, as `name:number`; not named is not limited."
    )
    breaker_percent: int = Field(15, ge=1, le=101, description="Share of failed or slow tries at which a gateway is left alone.")
    breaker_failures: int = Field(5, ge=1, description="Fewest failed or slow tries for that.")
    breaker_minutes: int = Field(15, ge=1, description="Span of time in which tries are counted for that.")
    breaker_pause_seconds: int = Field(
        30, ge=1, description="How long a gateway is left alone before one text tries it again; doubles up to 5 min."
    )

    # The deployment
    demo: bool = Field(default=False, description="Invented people, browser phones and one-click sign-in on loopback.")
    cover: str = Field("IJWI", description="Cover name that may be said on a phone.")
    tips_code: str = Field("7788", description="Short code people text.")
    radio_code: str = Field("7799", description="Short code of the radio shows.")
    exit_url: str = Field("https://www.wikipedia.org/", description="Where the button that leaves the public radio page leads.")
    ussd_code: str = Field("*778#", description="USSD code people dial.")
    district: str = Field("Rusizi", description="District named in alerts; nothing below it is ever named there.")
    region: str = Field("RW", description="ISO 3166 region whose national numbers are understood without a prefix.")
    timezone: str = Field("Africa/Kigali", description="Zone of duty hours and of times shown to people.")
    default_language: str = Field("rw", description="Language of an answer when the text's own cannot be told.")
    quiet_from: time = Field(time(20, 0), description="Start of the hours in which nobody is written to first.")
    quiet_until: time = Field(time(7, 0), description="End of the hours in which nobody is written to first.")

    # Conduct
    broadcast_gateways: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Gateways that share texts to many, comma separated; empty means the one that carries outgoing texts."
    )
    broadcast_second_person: int = Field(
        500, ge=0, description="People from which on somebody else than its author must approve a broadcast."
    )
    broadcast_validity_hours: int = Field(
        24, ge=1, description="Age after which the texts of a broadcast that have not left are dropped."
    )
    broadcast_calls_at_once: int = Field(10, ge=1, le=500, description="Calls to many under way at the same time, at most.")
    prices: Path = Field(
        PROJECT / "message_templates" / "prices.toml", description="File of what a text, or a minute of a call, costs by network."
    )
    auto_reply: bool = Field(default=True, description="Whether the one neutral automatic answer is sent at all.")
    auto_reply_validity_seconds: int = Field(300, description="Age after which an automatic answer is dropped unsent.")
    auto_reply_daily_cap: int = Field(20, description="Automatic answers to one number in a day; a cost cap, not a filter.")
    reply_window_minutes: int = Field(15, description="How long after a text we may write back without a stored consent.")
    undo_seconds: int = Field(
        8, ge=0, le=60, description="How long an officer's reply waits so that it can be taken back; 0: it leaves at once."
    )
    answer_validity_minutes: int = Field(30, description="Age after which an officer's unsent answer is dropped.")
    conversation_hours: int = Field(72, description="Silence after which a text from the same sender opens a new report.")
    voice_gateway: str = Field("", description="Gateway of our calls; empty: which told of a missed call, or texts contacts.")
    voice_number: str = Field("", description="Number of ours that our calls show, in international form; never another's.")
    beep_fold_minutes: int = Field(10, ge=1, description="Minutes in which missed calls of one phone are one.")
    beep_daily_cap: int = Field(3, ge=0, description="Calls back to one phone in a day, at most.")
    beep_daily_budget: int = Field(500, ge=0, description="Calls back to all phones in a day, at most; past it the log is loud.")
    beep_at_once: int = Field(5, ge=1, le=100, description="Calls back under way at the same time, at most.")
    beep_from: time = Field(time(6), description="Local time from which missed calls of a while ago are called back too.")
    beep_until: time = Field(time(21), description="Local time from which only missed calls of this moment are called back.")
    return_code_prefix: str = Field(
        "075",
        pattern=r"^0[0-9]{1,4}$",
        description="What return codes begin with; beginnings of phone numbers that nobody was given, ask RURA.",
    )
    ussd_silence_seconds: int = Field(40, ge=0, description="Silence after which a dialled report that has no end is passed on.")
    ladder_life: Annotated[tuple[str, ...], NoDecode] = Field(
        ("300:next", "600:call", "1200:supervisor", "1800:everyone", "900:everyone"),
        description="Life-danger ladder, seconds after the report and who is told then; the last entry repeats at its interval.",
    )
    ladder_normal: Annotated[tuple[str, ...], NoDecode] = Field(
        ("3600:next", "14400:supervisor", "43200:supervisor"),
        description="Ladder of other reports that were passed to a contact, in the same form.",
    )
    page_expiry_hours: int = Field(12, description="Age after which an unanswered page to one contact is no longer repeated.")
    return_life_minutes: int = Field(
        60, ge=5, description="After so long without `4` or `5` from who took it, a life in danger is told to others again."
    )
    return_normal_hours: int = Field(24, ge=1, description="The same for other cases.")

    # Work
    drain_batch: int = Field(200, ge=1, description="Inbox rows handled in one transaction.")
    deliver_batch: int = Field(100, ge=1, description="Messages handed to a gateway in one go.")
    lease_seconds: int = Field(15, ge=5, description="How long a claimed row is left to its worker before the clock frees it.")
    max_attempts: int = Field(5, ge=1, description="Tries before a row is set aside for a person to look at.")
    clock_seconds: float = Field(5.0, gt=0, description="Pause between two rounds of the clock.")
    ballast_mib: int = Field(
        default_factory=lambda chosen: 16 if chosen["demo"] else 256,
        ge=0,
        description="Room kept in the spool folder for when its disk is full, in MiB; 16 in a demo, 0 for none.",
    )
    reconcile_seconds: float = Field(300, gt=0, description="Pause between two looks at a gateway's own list of received texts.")
    inbox_days: int = Field(7, description="Days a handled raw webhook is kept.")
    case_days: int = Field(365, ge=0, description="Days a closed case can be read before its words are destroyed; 0 keeps them.")
    recording_days: int = Field(0, ge=0, description="Days a voice message of a closed case is kept; 0 keeps it.")
    quarantine_mib: int = Field(64, description="Room for webhooks that failed their signature, in MiB.")
    quarantine_days: int = Field(30, description="Days a quarantined webhook is kept.")
    session_idle_minutes: int = Field(15, description="Idle time after which an officer is signed out.")
    session_hours: int = Field(8, description="Longest time an officer stays signed in.")

    @field_validator(
        "twilio_auth_tokens",
        "gateway_rates",
        "broadcast_gateways",
        "hook_secrets",
        "trusted_proxies",
        "webhook_networks",
        "africastalking_addresses",
        "africastalking_recording_hosts",
        "smsgate_signing_keys",
        "httpsms_signing_keys",
        "external_fields",
        "external_receipt_fields",
        "external_states",
        "ladder_life",
        "ladder_normal",
        mode="before",
    )
    @classmethod
    def _separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("hook_secrets", "smsgate_signing_keys", "httpsms_signing_keys")
    @classmethod
    def _unguessable(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Refuse what could be guessed: `openssl rand -hex 32` makes a good one."""
        if any(len(secret.get_secret_value()) < SHORTEST_SECRET for secret in secrets):
            raise ValueError(f"a secret has at least {SHORTEST_SECRET} characters: openssl rand -hex 32 makes one")
        return secrets

    @field_validator("trusted_proxies", "webhook_networks", "africastalking_addresses")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(network)) for network in networks)

    @field_validator("external_accepted", "external_id_pattern")
    @classmethod
    def _patterns(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return pattern

    @field_validator("ladder_life", "ladder_normal")
    @classmethod
    def _climbable(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a ladder here: found out with the first report, it would leave that report without help."""
        if not steps or not all(LADDER_STEP.fullmatch(step) for step in steps):
            raise ValueError("a ladder is one or more of seconds:action, where action is next, call, supervisor or everyone")
        return steps

    @field_validator("gateway_rates")
    @classmethod
    def _countable(cls, rates: tuple[str, ...]) -> tuple[str, ...]:
        if not all(GATEWAY_RATE.fullmatch(rate) for rate in rates):
            raise ValueError("a rate is gateway:texts a second, such as twilio:10")
        return rates

    @property
    def rates(self) -> Mapping[str, int]:
        """Texts a second by gateway, of those that have a limit."""
        return {name: int(number) for name, _, number in (rate.partition(":") for rate in self.gateway_rates)}

    @property
    def database(self) -> str:
        """SQLAlchemy address of the database, the embedded SQLite file unless one was given."""
        if not self.database_url:
            return f"sqlite:///{self.instance.resolve() / 'hotline.db'}"
        return self.database_url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def redis(self) -> str:
        """Address of Redis, the embedded server's socket unless one was given."""
        return self.redis_url or f"unix://{self.redis_socket}"

    @property
    def redis_socket(self) -> Path:
        """Socket of the embedded Redis; a path too long for a socket address (108 bytes) moves to the temporary folder."""
        inside = self.instance.resolve() / "redis.sock"
        if len(bytes(inside)) < LONGEST_SOCKET:
            return inside
        return Path(tempfile.gettempdir()) / f"hotline-{hashlib.sha256(bytes(inside)).hexdigest()[:16]}.sock"

    @property
    def zone(self) -> ZoneInfo:
        """The deployment's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def keys(self) -> Path:
        """Folder of key files, each mode 0600."""
        return self.instance / "keys"


def load(**overrides: object) -> Settings:
    """Read the settings. Raises SystemExit with one plain sentence a wrong value."""
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
        if (settings.instance / DEMO_MARK).exists() and not settings.demo:
            settings = Settings(**{**overrides, "demo": True})  # type: ignore[arg-type]
        if settings.demo:  # the demo's numbers are invented, and somebody may own them
            settings = settings.model_copy(update={"gateway": "simulator", "second_gateway": ""})
    except ValidationError as error:
        wrong = [e for e in error.errors() if e["type"] != "default_factory_not_called"]  # follows from another wrong value
        lines = [f"HOTLINE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in wrong]
        raise SystemExit("\n".join(lines)) from None
    return settings


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the environment for processes we start: ours, with what the Procfile reads made explicit."""
    beside_us = str(Path(sys.executable).parent)
    explicit = {
        "HOTLINE_INSTANCE": str(settings.instance.resolve()),
        "HOTLINE_SPOOL_FOLDER": str(settings.spool_folder.resolve()),
        "HOTLINE_DEMO": str(settings.demo).lower(),
        "HOTLINE_WEB_HOST": settings.web_host,
        "HOTLINE_WEB_PORT": str(settings.web_port),
        "HOTLINE_WEB_WORKERS": str(settings.web_workers),
        "HOTLINE_WEB_THREADS": str(settings.web_threads),
        "HOTLINE_DESK_HOST": settings.desk_host,
        "HOTLINE_DESK_PORT": str(settings.desk_port),
        "HOTLINE_DESK_THREADS": str(settings.desk_threads),
        "PATH": f"{beside_us}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **explicit}
