"""The schema asks in words that every service takes; the models that check hold every bound."""

import pytest
from pydantic import ValidationError
from vlm_scenes import good_reply

from void_audit.pipeline.reason.vlm.schema import WireReply, in_words, inlined, json_schema


def nodes(schema):
    yield schema
    for child in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        yield from nodes(child)


def test_only_what_all_services_take():
    for node in nodes(inlined(json_schema())):
        assert set(node) <= {"type", "properties", "required", "additionalProperties", "items", "enum"}
        assert node["type"] in {"object", "array", "string", "integer", "number", "boolean"}
        if node["type"] == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
        assert ("items" in node) == (node["type"] == "array")


def test_beside_a_reference_there_is_nothing_else():
    whole = json_schema()
    assert set(whole) == {"type", "properties", "required", "additionalProperties", "$defs"}
    for node in [whole, *whole["$defs"].values()]:
        for child in nodes(node):
            if "$ref" in child:
                assert list(child) == ["$ref"]
                assert child["$ref"].removeprefix("#/$defs/") in whole["$defs"]
            else:
                assert set(child) <= {
                    "type",
                    "properties",
                    "required",
                    "additionalProperties",
                    "items",
                    "enum",
                    "$defs",
                }


def test_a_schema_without_parts_stays_as_it_is():
    plain = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}
    assert inlined(plain) == plain
    assert in_words(plain).endswith('"items":{"type":"string"}}}}\n')


def test_names_every_field_of_the_specification():
    whole = inlined(json_schema())["properties"]
    assert list(whole) == ["integral_belongings", "affected_objects", "scene_description", "confidence"]
    assert set(whole["affected_objects"]["items"]["properties"]) == {
        "noun", "category", "why", "will_move", "first_appears_frame", "movement_description", "currently_moving",
        "should_have_stayed", "original_position_grid", "grid_localizations", "object_size_grids", "trajectory_path",
    }  # fmt: skip
    assert whole["affected_objects"]["items"]["properties"]["category"]["enum"] == [
        "physical",
        "visual_artifact",
    ]


def test_a_reply_of_the_schema_passes_the_models():
    def example(node):
        if node["type"] == "object":
            return {key: example(value) for key, value in node["properties"].items()}
        if node["type"] == "array":
            return [example(node["items"])]
        simple = {"string": "x", "integer": 0, "number": 0.5, "boolean": True}
        return node["enum"][0] if "enum" in node else simple[node["type"]]

    WireReply.model_validate(example(inlined(json_schema())))


def test_the_models_bound_every_list_and_text():
    whole = WireReply.model_json_schema()
    for part in [whole, *whole["$defs"].values()]:
        assert part["additionalProperties"] is False
        assert set(part["required"]) == set(part["properties"])
        for name, node in part["properties"].items():
            if node.get("type") == "array":
                assert node["maxItems"] <= 8192, name
            if node.get("type") == "string" and "enum" not in node:
                assert node["maxLength"] <= 1200, name


def changed(path, value):
    reply = good_reply()
    at = reply
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return reply


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("policy",), "allow"),
        (("affected_objects", 0, "settings"), {}),
        (("affected_objects", 0, "will_move"), "true"),
        (("affected_objects", 0, "will_move"), 1),
        (("affected_objects", 0, "first_appears_frame"), "4"),
        (("affected_objects", 0, "first_appears_frame"), 4.0),
        (("affected_objects", 0, "first_appears_frame"), True),
        (("affected_objects", 0, "category"), "Physical"),
        (("affected_objects", 0, "noun"), "x" * 121),
        (("affected_objects", 0, "why"), "x" * 401),
        (("affected_objects", 0, "movement_description"), "x" * 601),
        (("scene_description",), "x" * 1201),
        (("affected_objects",), good_reply()["affected_objects"] * 2),
        (("integral_belongings",), good_reply()["integral_belongings"] * 4),
        (("affected_objects", 0, "grid_localizations"), [{"frame": 0, "grid_regions": []}] * 501),
        (("affected_objects", 0, "original_position_grid"), [{"row": 0, "col": 0}] * 8193),
        (("affected_objects", 0, "trajectory_path"), [{"frame": 0, "grid_row": 0, "grid_col": 0}] * 501),
        (("confidence",), 1.01),
        (("confidence",), -0.01),
        (("confidence",), float("nan")),
        (("confidence",), "high"),
        (("scene_description",), None),
    ],
)
def test_the_models_refuse(path, value):
    with pytest.raises(ValidationError):
        WireReply.model_validate(changed(path, value))


@pytest.mark.parametrize(
    "path", [("confidence",), ("affected_objects", 0, "why"), ("integral_belongings", 0, "noun")]
)
def test_every_key_is_needed(path):
    reply = good_reply()
    at = reply
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    with pytest.raises(ValidationError):
        WireReply.model_validate(reply)


@pytest.mark.parametrize(
    "path",
    [
        ("integral_belongings",),
        ("affected_objects",),
        ("integral_belongings", 0, "grid_localizations"),
        ("affected_objects", 0, "grid_localizations", 0, "grid_regions"),
        ("affected_objects", 0, "original_position_grid"),
        ("affected_objects", 0, "trajectory_path"),
    ],
)
def test_a_list_full_of_faults_names_one(path):
    with pytest.raises(ValidationError) as error:
        WireReply.model_validate(changed(path, [0] * 300))
    assert error.value.error_count() == 1
