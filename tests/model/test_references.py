from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest

from void_audit.model.base import BlobRef, Value
from void_audit.model.records import PREDICATES, Approval, Kind, Predicate, Statement, Subject
from void_audit.model.references import blob_refs, named_digests


def ref(number: int) -> BlobRef:
    return BlobRef(sha256=f"{number:064x}", size=number, media_type="a/b", salted=bool(number % 2))


class Inner(Value):
    deep: tuple[tuple[BlobRef, ...], ...]
    text: str = "0" * 64


class Outer(Value):
    first: BlobRef
    maybe: BlobRef | None
    named: Mapping[str, BlobRef]
    inner: Inner
    last: BlobRef


def test_every_reference_is_found_in_the_order_of_the_fields() -> None:
    outer = Outer(
        first=ref(0),
        maybe=ref(1),
        named={"b": ref(2), "a": ref(3)},
        inner=Inner(deep=((ref(4),), (), (ref(5), ref(0)))),
        last=ref(6),
    )
    assert list(blob_refs(outer)) == [ref(n) for n in (0, 1, 2, 3, 4, 5, 0, 6)]
    assert list(blob_refs(outer.model_copy(update={"maybe": None})))[1] == ref(2)


@pytest.mark.parametrize("value", [None, 7, "a" * 64, ref(1).model_dump(), (), {}])
def test_what_only_looks_like_a_reference_is_none(value: object) -> None:
    assert list(blob_refs(value)) == []


def test_a_statement_refers_to_what_its_predicate_refers_to() -> None:
    approval = Approval(claimed_time="t", edit="e", plan="ab" * 32, comment=ref(9))
    subject = Subject(name="n", digest={"sha256": "cd" * 32})
    assert list(blob_refs(Statement(subjects=(subject,), predicate=approval))) == [ref(9)]


WALKED = {tuple, Mapping, Union, UnionType, Annotated}


def containers(annotation: Any, within: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """For every place of a type at which a BlobRef can be: what lies around it."""
    if annotation is BlobRef:
        yield within
    elif get_origin(annotation) is not None:
        if get_origin(annotation) is not Literal:
            around = get_origin(annotation)
            for part in get_args(annotation):
                yield from containers(part, (*within, around))
    elif isinstance(annotation, type) and issubclass(annotation, Value):
        for field in annotation.model_fields.values():
            yield from containers(field.annotation, within)


@pytest.mark.parametrize("kind", PREDICATES)
def test_no_record_holds_a_reference_where_it_would_be_passed_over(kind: Kind) -> None:
    """``fsck`` checks the blobs that are found here; a list or a set of them would never be checked."""
    assert all(set(around) <= WALKED for around in containers(PREDICATES[kind]))


def test_the_check_above_sees_what_it_is_for() -> None:
    class Careless(Predicate):
        kind = Kind.PLAN
        signers = frozenset()
        blobs: list[BlobRef]
        maybe: BlobRef | NoneType = None

    assert {around[0] for around in containers(Careless)} == {list, UnionType}
    assert sum(1 for predicate in PREDICATES.values() for _ in containers(predicate)) >= 15


def test_a_statement_names_its_blobs_and_its_subjects() -> None:
    approval = Approval(claimed_time="t", edit="e", plan="ab" * 32, comment=ref(9))
    subject = Subject(name="n", digest={"sha256": "cd" * 32})
    bare = Subject(name="n", digest={})
    named = list(named_digests(Statement(subjects=(subject, bare), predicate=approval)))
    assert named == [ref(9).sha256, "cd" * 32]
