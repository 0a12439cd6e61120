"""The rules: one function each, from the facts of a message to what an officer should see, or to nothing.

Act, means and purpose follow article 3 of the Palermo Protocol (United Nations 2000) and article 3 of Rwanda's Law 51/2018; the
indicators behind them follow the operational indicators of ILO and the European Commission (2009). A rule says that words were
found which speak of something. It never says that a crime happened, and never decides alone: assess.py weighs the findings.

To add one: write a function here, say which concepts wake it, name it in RULES, and give it a sentence in
message_templates/en/findings.toml.
"""

from collections.abc import Callable
from typing import NamedTuple

from hotline.triage.facts import Facts
from hotline.triage.lexicon import Hit


class Sign(NamedTuple):
    """What one rule found: `axis` and `value` for the judgement, and the words (first to last) that made it fire."""

    rule: str
    axis: str
    value: str
    first: int
    last: int


Rule = Callable[[Facts], Sign | None]
_WOKEN: dict[str, list[Rule]] = {}
_CONTROL = ("confinement", "doc_confiscation", "debt_bondage", "forced_labour", "sale_trade", "sexual_exploitation")
_WORK = ("job", "domestic_servitude", "sector_hazard", "farm", "fish_mine")
_BARGAIN = (
    "buyer_pay", "threat_violence", "minor", "child_word", "debt_bondage", "destination", "recruit", "confinement", "handover",
    "vulnerability", "sale_trade",
)  # fmt: skip
_HARM = (
    *_CONTROL, "threat_violence", "immediate_danger", "death_risk", "weapon", "rape", "gbv", "abduction", "organ_removal",
    "forced_marriage", "domestic_servitude", "child_begging", "child_home", "crime_forced", "armed_group", "missing_abduction",
    "move", "recruit", "handover", "buyer_pay", "escape", "promise", "deceptive_recruitment",
)  # fmt: skip
_PEOPLE = ("minor", "child_word", "girl", "family", "self")


def woken_by(*concepts: str) -> Callable[[Rule], Rule]:
    """Say which concepts a rule may show as its words: where none of them is spoken of it has nothing to say and is not asked."""

    def keep(rule: Rule) -> Rule:
        for concept in concepts:
            _WOKEN.setdefault(concept, []).append(rule)
        return rule

    return keep


def _sign(rule: Rule, axis: str, value: str, hit: Hit | None) -> Sign | None:
    """Return the sign of a rule, shown by a hit; nothing when there is no hit to show."""
    return None if hit is None else Sign(rule.__name__.replace("_", "-"), axis, value, hit.first, hit.last)


# ---- act


@woken_by("recruit", "deceptive_recruitment", "promise")
def recruits(facts: Facts) -> Sign | None:
    """Somebody looks for people, offers work or promises something to get them to come (ILO: recruitment)."""
    offered = facts.says("promise") and facts.says("job", "abroad", "destination", "online")
    hit = facts.hit("recruit", "deceptive_recruitment") or (facts.hit("promise") if offered else None)
    return _sign(recruits, "act", "recruit", hit)


@woken_by("move")
def transports(facts: Facts) -> Sign | None:
    """People are taken, brought or sent somewhere."""
    moved = facts.says(*_PEOPLE, "stranger") or facts.foreign_places > 0
    return _sign(transports, "act", "transport", facts.hit("move") if moved else None)


@woken_by("sale_trade", "handover")
def hands_over(facts: Facts) -> Sign | None:
    """A person is sold, exchanged or passed on to somebody else."""
    return _sign(hands_over, "act", "transfer", facts.hit("sale_trade", "handover"))


@woken_by("keep", "confinement")
def harbours(facts: Facts) -> Sign | None:
    """People are housed, hidden or held by somebody who controls them."""
    held = facts.says(*_CONTROL, "escape")
    return _sign(harbours, "act", "harbour", facts.hit("keep", "confinement") if held else None)


# ---- means


@woken_by("confinement")
def locked_in(facts: Facts) -> Sign | None:
    """A person may not leave, or has no phone (ILO: restriction of movement, isolation; strong)."""
    return _sign(locked_in, "means", "coercion", facts.hit("confinement"))


@woken_by("doc_confiscation")
def papers_taken(facts: Facts) -> Sign | None:
    """Somebody else holds a person's passport or identity card (ILO: retention of identity documents; strong)."""
    return _sign(papers_taken, "means", "coercion", facts.hit("doc_confiscation"))


@woken_by("debt_bondage")
def bound_by_debt(facts: Facts) -> Sign | None:
    """A person must work off a debt, a ticket or a loan (ILO: debt bondage; strong)."""
    working = facts.says(*_WORK, "forced_labour", "confinement", "sexual_exploitation", "forced_marriage", "move")
    return _sign(bound_by_debt, "means", "coercion", facts.hit("debt_bondage") if working else None)


@woken_by("forced_labour", "wage_withholding")
def wages_kept(facts: Facts) -> Sign | None:
    """Pay is withheld or taken from people who are controlled in another way too (ILO: withholding of wages; medium)."""
    bound = facts.says("confinement", "doc_confiscation", "debt_bondage", "child_word", "sale_trade", "move")
    return _sign(wages_kept, "means", "coercion", facts.hit("forced_labour", "wage_withholding") if bound else None)


@woken_by("promise", "deceptive_recruitment", "secret")
def deceived(facts: Facts) -> Sign | None:
    """A promise of work, school or marriage that was or may be false (ILO: deceptive recruitment; strong)."""
    return _sign(deceived, "means", "deception", facts.hit("promise", "deceptive_recruitment", "secret"))


@woken_by("weapon", "rape", "threat_violence")
def beaten(facts: Facts) -> Sign | None:
    """People are beaten, burnt or starved (ILO: physical and sexual violence; strong)."""
    return _sign(beaten, "means", "force", facts.hit("weapon", "rape", "threat_violence"))


@woken_by("threat_violence")
def threatened(facts: Facts) -> Sign | None:
    """People are threatened, blackmailed or kept in fear (ILO: intimidation and threats; medium)."""
    return _sign(threatened, "means", "threat", facts.hit("threat_violence"))


@woken_by("buyer_pay", "sale_trade")
def paid_for(facts: Facts) -> Sign | None:
    """Money or goods were given to somebody who has a person in their power (Palermo art. 3: payments or benefits)."""
    return _sign(paid_for, "means", "payments", facts.hit("buyer_pay", "sale_trade"))


@woken_by("vulnerability")
def weak_position(facts: Facts) -> Sign | None:
    """Orphans, disabled people, refugees or the very poor are used (Palermo art. 3: position of vulnerability)."""
    return _sign(weak_position, "means", "abuse_of_vulnerability", facts.hit("vulnerability"))


@woken_by("abduction")
def abducted(facts: Facts) -> Sign | None:
    """A person was seized or stolen (Palermo art. 3: abduction)."""
    return _sign(abducted, "means", "abduction", facts.hit("abduction"))


@woken_by("fake")
def false_papers(facts: Facts) -> Sign | None:
    """Papers are forged or a company does not exist (Palermo art. 3: fraud)."""
    return _sign(false_papers, "means", "fraud", facts.hit("fake"))


# ---- purpose


@woken_by("sex_trade_place", "sexual_exploitation")
def sexual_use(facts: Facts) -> Sign | None:
    """Prostitution of others, sex with customers or sex before a camera (Palermo art. 3: sexual exploitation)."""
    place = (
        facts.hit("sex_trade_place") if facts.says("girl", "minor") and facts.says("buyer_pay", "night", "confinement") else None
    )
    return _sign(sexual_use, "purpose", "sexual_exploitation", facts.hit("sexual_exploitation") or place)


@woken_by("forced_labour", "sector_hazard", "farm", "fish_mine")
def forced_work(facts: Facts) -> Sign | None:
    """Work under force, without pay or without rest (ILO Convention 29: forced labour)."""
    driven = facts.says("forced_labour") or (
        facts.says("sector_hazard", "farm", "fish_mine")
        and facts.says("child_word", "confinement", "debt_bondage", "threat_violence")
    )
    return _sign(
        forced_work,
        "purpose",
        "forced_labour",
        facts.hit("forced_labour", "sector_hazard", "farm", "fish_mine") if driven else None,
    )


@woken_by("domestic_servitude")
def housework(facts: Facts) -> Sign | None:
    """Housework for others in servitude, at home or abroad (Palermo art. 3: practices similar to slavery)."""
    return _sign(housework, "purpose", "domestic_servitude", facts.hit("domestic_servitude"))


@woken_by("forced_marriage")
def married_off(facts: Facts) -> Sign | None:
    """A bride is given against payment, debt or her will (UN Supplementary Convention on slavery 1956, art. 1c)."""
    bargained = facts.says(*_BARGAIN) and not facts.says("free_leave")
    return _sign(married_off, "purpose", "forced_marriage", facts.hit("forced_marriage") if bargained else None)


@woken_by("child_begging")
def made_to_beg(facts: Facts) -> Sign | None:
    """People are sent to beg and somebody else takes the money (Law 51/2018: exploitation by begging)."""
    return _sign(made_to_beg, "purpose", "begging", facts.hit("child_begging"))


@woken_by("crime_forced")
def made_to_steal(facts: Facts) -> Sign | None:
    """People are made to steal or to carry drugs (EU Directive 2011/36: exploitation of criminal activities)."""
    return _sign(made_to_steal, "purpose", "forced_crime", facts.hit("crime_forced"))


@woken_by("armed_group")
def made_to_fight(facts: Facts) -> Sign | None:
    """Children or adults are taken to an armed group (Optional Protocol to the CRC 2000, art. 4)."""
    return _sign(made_to_fight, "purpose", "child_soldier", facts.hit("armed_group") if facts.child else None)


@woken_by("organ_removal")
def organs_taken(facts: Facts) -> Sign | None:
    """Organs are removed or bought (Palermo art. 3: removal of organs)."""
    return _sign(organs_taken, "purpose", "organ_removal", facts.hit("organ_removal"))


# ---- danger


@woken_by("immediate_danger")
def cries_for_help(facts: Facts) -> Sign | None:
    """The words of somebody who is in danger or sees it."""
    return _sign(cries_for_help, "danger", "help", facts.hit("immediate_danger"))


@woken_by("death_risk")
def life_at_risk(facts: Facts) -> Sign | None:
    """Blood, fire, water, poison or suicide."""
    return _sign(life_at_risk, "danger", "life", facts.hit("death_risk"))


@woken_by("weapon")
def weapon_near(facts: Facts) -> Sign | None:
    """A weapon, acid or fire is spoken of."""
    return _sign(weapon_near, "danger", "weapon", facts.hit("weapon"))


@woken_by("now")
def moving_now(facts: Facts) -> Sign | None:
    """People are being moved now or within a day: the last hour in which a border post can help.

    Beside something past, "now" counts only in the clause of the journey: "she left in 2014, today she has a shop".
    """
    moved = [hit for concept in ("move", "cross_border") for hit in facts.spoken.get(concept, ())]
    hit = facts.hit("now") if moved else None
    if moved and facts.says("past"):
        clauses = facts.message.clauses
        journeys = {clauses[one.first] for one in moved}
        hit = next((one for one in facts.spoken.get("now", ()) if clauses[one.first] in journeys), None)
    return _sign(moving_now, "danger", "moving", hit)


@woken_by("self")
def held_now(facts: Facts) -> Sign | None:
    """The caller speaks of being held, beaten or hunted themselves."""
    held = facts.says("confinement", "threat_violence", "forced_labour", "escape", "sexual_exploitation")
    return _sign(held_now, "danger", "self", facts.hit("self") if held else None)


# ---- who


@woken_by("child_word")
def says_child(facts: Facts) -> Sign | None:
    """A word for a child is used. A child needs no means to be a victim (Palermo art. 3 c)."""
    return _sign(says_child, "minors", "true", facts.hit("child_word"))


def gives_age(facts: Facts) -> Sign | None:
    """An age below 18 is given."""
    age = next((age for age in facts.ages if age.years < 18), None)
    return None if age is None else Sign("gives-age", "minors", "true", age.word, age.word)


# ---- kind of message


@woken_by("smuggling")
def speaks_of_passage(facts: Facts) -> Sign | None:
    """Paid or hidden crossing of a border (UN Smuggling Protocol 2000, art. 3)."""
    return _sign(speaks_of_passage, "topic", "smuggling", facts.hit("smuggling"))


@woken_by("gbv", "rape")
def speaks_of_partner(facts: Facts) -> Sign | None:
    """Violence by a husband, partner, family or boss against an adult."""
    return _sign(speaks_of_partner, "topic", "gbv", facts.hit("gbv") or facts.hit("rape"))


@woken_by("wage_withholding", "labour_abuse")
def speaks_of_pay(facts: Facts) -> Sign | None:
    """Unpaid wages, dismissal or unsafe work."""
    return _sign(speaks_of_pay, "topic", "labour_abuse", facts.hit("wage_withholding", "labour_abuse"))


@woken_by("missing_abduction")
def somebody_missing(facts: Facts) -> Sign | None:
    """Somebody has not come home or is looked for."""
    return _sign(somebody_missing, "topic", "missing_person", facts.hit("missing_abduction"))


@woken_by("child_home")
def child_harmed(facts: Facts) -> Sign | None:
    """A child is beaten, abandoned, hungry or out of school."""
    return _sign(child_harmed, "topic", "child_protection", facts.hit("child_home") if facts.child else None)


@woken_by("question", "help_line")
def asks(facts: Facts) -> Sign | None:
    """The message asks for information."""
    return _sign(asks, "topic", "question", facts.hit("question", "help_line"))


@woken_by("thanks")
def thanks(facts: Facts) -> Sign | None:
    """Thanks, greetings, good news, tests."""
    return _sign(thanks, "topic", "thanks_or_other", facts.hit("thanks"))


@woken_by("negation")
def nobody_harmed(facts: Facts) -> Sign | None:
    """Of three harms and more it is said that they are not so, and of none that it is: a rumour set right."""
    calm = len(facts.denied) > 2 and not facts.says(*_HARM)
    return _sign(nobody_harmed, "topic", "thanks_or_other", facts.hit("negation") if calm else None)


@woken_by("spam")
def sells_something(facts: Facts) -> Sign | None:
    """Prizes, loans, healers, links: the marks of an advertisement or a scam."""
    return _sign(sells_something, "topic", "spam_or_prank", facts.hit("spam"))


@woken_by("advert_job")
def job_lure(facts: Facts) -> Sign | None:
    """A job advertisement with a link or number: it looks like spam, and is evidence of recruiting."""
    lure = facts.says("advert_job") and (facts.has_link or facts.has_phone or facts.says("online"))
    return _sign(job_lure, "act", "recruit", facts.hit("advert_job") if lure else None)


@woken_by("safe_contact")
def call_unsafe(facts: Facts) -> Sign | None:
    """The caller says how, or whether, they may be called back."""
    return _sign(call_unsafe, "safety", "safe_contact", facts.hit("safe_contact"))


RULES: tuple[Rule, ...] = (
    recruits, job_lure, transports, hands_over, harbours,
    locked_in, papers_taken, bound_by_debt, wages_kept, deceived, beaten, threatened, paid_for,
    weak_position, abducted, false_papers,
    sexual_use, forced_work, housework, married_off, made_to_beg, made_to_steal, made_to_fight, organs_taken,
    cries_for_help, life_at_risk, weapon_near, moving_now, held_now,
    says_child, gives_age,
    speaks_of_passage, speaks_of_partner, speaks_of_pay, somebody_missing, child_harmed, asks, thanks, nobody_harmed,
    sells_something, call_unsafe,
)  # fmt: skip


SIGNS = frozenset(rule.__name__.replace("_", "-") for rule in RULES)
_ORDER = {rule: place for place, rule in enumerate(RULES)}


def signs(facts: Facts) -> list[Sign]:
    """Return every sign the rules see in the facts, in the order of RULES."""
    woken = {rule for concept in facts.spoken for rule in _WOKEN.get(concept, ())}
    if facts.ages:
        woken.add(gives_age)
    return [sign for rule in sorted(woken, key=_ORDER.__getitem__) if (sign := rule(facts)) is not None]
