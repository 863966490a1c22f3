"""The bundle of an edit that was erased, in a house that works on."""

from bundled import bundled
from house import House
from simulator.studio import failures

from void_audit.audit.verify import verify
from void_audit.workflow import erasing
from void_audit.workflow.owned import owned_by_edit


def test_what_was_erased_stays_out_though_another_edit_made_the_same_again(own):
    """Its mask is there by right, and not this edit's: it would contradict the erasure."""
    edit = own.approved()
    own.run(edit, own.folder / "x.mp4")
    place = own.place
    eraser = erasing.House(place.writing, place.blobs, own.workshop.edits, own.clock)
    erasing.erase(eraser, owned_by_edit(place.writing, edit), "asked for", place.person("admin"), media=True)
    again = House.reopen(own.folder, own.clock.now)
    again.run(again.approved("again"), own.folder / "y.mp4")
    done = bundled(again, edit, own.folder / "x.zip", media=True)
    assert not failures(verify(done.path, again.pins()))
    assert "erased" in {blob.because for blob in done.listing.absent if blob.media_type.startswith("image/")}
