"""A rule and a pack as plain data, to be changed by tests."""

RULE = {
    "id": "T01",
    "title": "A test rule",
    "stages": ["intent"],
    "effect": "deny",
    "because": "It is here to be tested.",
    "sources": [{"title": "Test", "publisher": "house", "status": "house"}],
    "when": ['request.asset_class == "news"'],
    "tests": [
        {"fires": True, "facts": {"request": {"asset_class": "news"}}},
        {"fires": False},
    ],
}
PACK = {
    "name": "test-pack",
    "version": "2026-11-22",
    "owner": "tests",
    "review_by": "2027-01-01",
    "description": "Only for tests.",
}
