"""What adding and erasing a class does, for every schema: the truth tables of VOID's editor among them."""

from __future__ import annotations

import numpy as np
import pytest
from held_mask import AFFECTED, KEEP, OVERLAP, REMOVE, house_schema

from void_audit.model.mask_schema import Composition, MaskSchema
from void_audit.pipeline.masks.class_tables import PAIR, ClassTables, repaint
from void_audit.pipeline.masks.schema import builtin

QUADMASK = builtin("quadmask")
SCHEMAS = [QUADMASK, builtin("brand-safety"), builtin("localization"), house_schema()]
ALL = (REMOVE, OVERLAP, AFFECTED, KEEP)


def row(table: np.ndarray, count: int = 4) -> tuple[int, ...]:
    return tuple(int(i) for i in table[:count])


@pytest.mark.parametrize(
    ("name", "holding", "added", "erased"),
    [
        # What becomes of remove (0), overlap (63), affected (127), keep (255): spec/void 3.
        ("remove", (1, 1, 0, 0), (REMOVE, OVERLAP, OVERLAP, REMOVE), (KEEP, AFFECTED, AFFECTED, KEEP)),
        ("affected", (0, 1, 1, 0), (OVERLAP, OVERLAP, AFFECTED, AFFECTED), (REMOVE, REMOVE, KEEP, KEEP)),
        ("overlap", (0, 1, 0, 0), (OVERLAP, OVERLAP, OVERLAP, OVERLAP), (REMOVE, KEEP, AFFECTED, KEEP)),
        ("keep", (0, 0, 0, 1), (KEEP, KEEP, KEEP, KEEP), ALL),
    ],
)
def test_the_quadmask(name: str, holding: tuple, added: tuple, erased: tuple) -> None:
    tables, index = ClassTables(QUADMASK), QUADMASK.index(name)
    assert row(tables.holding(index)) == holding
    assert row(tables.adding(index)) == added
    assert row(tables.erasing(index)) == erased
    assert row(tables.setting(index)) == (index,) * 4


@pytest.mark.parametrize(
    ("names", "from_frame"),
    [
        # Per class of the other frame (remove, overlap, affected, keep): what becomes of those four here.
        (
            ["remove"],
            [(REMOVE, OVERLAP, OVERLAP, REMOVE)] * 2 + [(KEEP, AFFECTED, AFFECTED, KEEP)] * 2,
        ),
        (
            ["affected"],
            [
                (REMOVE, REMOVE, KEEP, KEEP),
                (OVERLAP, OVERLAP, AFFECTED, AFFECTED),
                (OVERLAP, OVERLAP, AFFECTED, AFFECTED),
                (REMOVE, REMOVE, KEEP, KEEP),
            ],
        ),
        (["remove", "affected"], [(i,) * 4 for i in ALL]),
    ],
)
def test_copies_of_the_quadmask(names: list[str], from_frame: list[tuple]) -> None:
    table = ClassTables(QUADMASK).copying([QUADMASK.index(n) for n in names])
    assert [tuple(int(table[here | other << PAIR]) for here in ALL) for other in ALL] == from_frame


def test_a_schema_without_a_class_for_both_excludes() -> None:
    schema = builtin("brand-safety")
    tables = ClassTables(schema)
    for index in range(3):
        assert row(tables.adding(index), 3) == (index,) * 3
        assert row(tables.erasing(index), 3) == tuple(2 if i == index else i for i in range(3))
        assert row(tables.holding(index), 3) == tuple(int(i == index) for i in range(3))


def test_two_compositions_share_a_consequence() -> None:
    schema = house_schema()
    tables, i = ClassTables(schema), schema.index
    assert tables.add(i("person"), i("shadow")) == i("person-shadow")
    assert tables.add(i("logo"), i("shadow")) == i("logo-shadow")
    assert tables.add(i("shadow"), i("logo")) == i("logo-shadow")
    assert tables.add(i("person-shadow"), i("logo")) == i("logo")
    assert tables.add(i("sign"), i("shadow")) == i("shadow")
    assert tables.add(i("protected"), i("shadow")) == i("shadow")
    assert tables.erase(i("logo-shadow"), i("shadow")) == i("logo")
    assert tables.erase(i("logo-shadow"), i("logo")) == i("shadow")
    assert tables.erase(i("logo-shadow"), i("person")) == i("logo-shadow")
    assert tables.erase(i("protected"), i("protected")) == i("rest")
    assert [int(v) for v in tables.holding(i("shadow"))[:8]] == [0, 1, 1, 0, 0, 1, 0, 0]


def composed(**compose: Composition) -> MaskSchema:
    names = {"de_emphasize": "de-emphasize"}
    return house_schema().model_copy(update={"compose": {names.get(k, k): v for k, v in compose.items()}})


def test_where_both_is_one_of_the_two_it_wins() -> None:
    schema = composed(remove=Composition(object="person", consequence="shadow", both="person"))
    tables, i = ClassTables(schema), schema.index
    assert tables.add(i("person"), i("shadow")) == i("person")
    assert tables.add(i("shadow"), i("person")) == i("person")
    assert tables.erase(i("person"), i("person")) == i("rest")
    assert tables.erase(i("person"), i("shadow")) == i("person")
    assert not tables.hold(i("person"), i("shadow"))


def test_the_first_operation_says_what_a_pair_becomes() -> None:
    """However the mapping is ordered: JSON of a record sorts it."""
    one = Composition(object="person", consequence="shadow", both="person-shadow")
    other = Composition(object="person", consequence="shadow", both="logo-shadow")
    for schema in (composed(remove=one, de_emphasize=other), composed(de_emphasize=other, remove=one)):
        tables, i = ClassTables(schema), schema.index
        assert tables.add(i("person"), i("shadow")) == i("person-shadow")
        assert tables.erase(i("logo-shadow"), i("shadow")) == i("logo-shadow")
    same = Composition(object="logo", consequence="shadow", both="person-shadow")
    for schema in (composed(remove=one, de_emphasize=same), composed(de_emphasize=same, remove=one)):
        tables, i = ClassTables(schema), schema.index
        assert tables.erase(i("person-shadow"), i("shadow")) == i("person")


def test_an_object_that_is_its_own_consequence() -> None:
    schema = composed(remove=Composition(object="person", consequence="person", both="person"))
    tables, i = ClassTables(schema), schema.index
    assert tables.erase(i("person"), i("person")) == i("rest")


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: s.name)
def test_laws_of_every_schema(schema: MaskSchema) -> None:
    tables, count = ClassTables(schema), len(schema.classes)
    for index in set(range(count)) - {schema.background}:
        for there in range(count):
            assert tables.hold(tables.add(there, index), index)
            assert not tables.hold(tables.erase(there, index), index)
            assert tables.add(tables.add(there, index), index) == tables.add(there, index)
            assert tables.erase(tables.erase(there, index), index) == tables.erase(there, index)
        assert tables.erase(tables.add(schema.background, index), index) == schema.background
        everything = tables.copying([index])
        for here in range(count):
            for other in range(count):
                became = int(everything[here | other << PAIR])
                assert became < count
                assert tables.hold(became, index) == tables.hold(other, index)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: s.name)
def test_tables_leave_other_values_alone(schema: MaskSchema) -> None:
    tables, count = ClassTables(schema), len(schema.classes)
    for table in (tables.adding(0), tables.erasing(0), tables.setting(0)):
        np.testing.assert_array_equal(table[count:], np.arange(count, 256))
    assert not tables.holding(0)[count:].any()


def test_repainting_a_part_in_place() -> None:
    picture = np.array([[0, 1, 2, 3]] * 3, np.uint8)
    table = ClassTables(QUADMASK).erasing(REMOVE)
    repaint(picture[1:2, 1:], table)
    assert picture.tolist() == [[0, 1, 2, 3], [0, AFFECTED, 2, 3], [0, 1, 2, 3]]
    repaint(picture[:, :1], table, np.array([[True], [False], [True]]))
    assert picture[:, 0].tolist() == [KEEP, REMOVE, KEEP]
