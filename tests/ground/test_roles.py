"""Who may do what: a table small enough to be read aloud, and rules that hold whatever is added to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.roles import MATRIX, May, Role, allows

READS_PEOPLE = {May.READ_CASE, May.WORK_CASE, May.REPLY}


def test_every_role_has_a_line_and_every_act_somebody_or_nobody_in_a_demo() -> None:
    assert set(MATRIX) == set(Role)
    done_by_somebody = frozenset[May]().union(*MATRIX.values())
    assert set(May) - done_by_somebody == {May.USE_PHONES}


def test_nobodys_role_sums_to_everything() -> None:
    for role, acts in MATRIX.items():
        assert acts < set(May), role


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR, Role.PRESENTER, Role.BROADCASTER, Role.AGENCY])
def test_who_is_not_an_intake_officer_reads_no_case(role: Role) -> None:
    assert not MATRIX[role] & READS_PEOPLE


def test_whoever_reads_the_audit_works_no_case_and_whoever_works_cases_reads_no_audit() -> None:
    for role, acts in MATRIX.items():
        assert not (May.READ_AUDIT in acts and acts & READS_PEOPLE), role


@given(role=st.text(), act=st.sampled_from(May))
def test_a_role_nobody_knows_may_do_nothing(role: str, act: May) -> None:
    if role not in MATRIX:
        assert not allows(role, act)


@given(role=st.sampled_from(Role), act=st.sampled_from(May))
def test_the_table_is_what_is_asked(role: Role, act: May) -> None:
    assert allows(str(role), act) == (act in MATRIX[role])
