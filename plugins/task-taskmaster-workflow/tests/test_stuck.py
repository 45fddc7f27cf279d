"""Rules of what must not end the taskmaster, as it would at each start: it is told."""

import pytest
from flows import Flow, done
from task_taskmaster_workflow.rows import read_rows

OTHER = '[[phase]]\ntask = "other"\ncron = "0 6 * * *"\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", 'shop,note\nde,"' + "no end\n" * 20_000),
        ("rows.json", "[" * 100_000),
    ],
)
def test_a_file_of_meta_that_cannot_be_read_is_told(files, name, content):
    """And another phase fires; so is one that follows."""
    rows = files.folder.parent / name
    rows.write_text(content)
    batch = f"batch = {{ meta_file = '{rows}' }}\n"
    files.write(
        f'[[phase]]\ntask = "a"\ncron = "0 5 * * *"\n{batch}{OTHER}'
        f'[[phase]]\ntask = "b"\ndependsOn = "other"\n{batch}'
    )
    flow = Flow(files)
    (told, topic), (other, _) = flow.pass_time(hours=7)
    assert (topic, told.type, other.type) == ("alerts", "a", "other")
    assert f"shop.toml a: cannot fire: {rows}, " in told.msg
    (told,) = flow.after(done("other"))
    assert told.msg.startswith(f"shop.toml b: {rows}, ")


def test_where_a_csv_is_wrong_is_told(tmp_path):
    """With its line."""
    path = tmp_path / "rows.csv"
    path.write_text('shop\nde\n"' + "x\n" * 100_000)
    match = "rows.csv, the row that begins in line 3: field larger than"
    with pytest.raises(ValueError, match=match):
        read_rows(path, 10)


@pytest.mark.parametrize("row", ["fr", "fr,x,y"])
def test_which_row_of_a_csv_has_too_few_or_too_many_values_is_told(tmp_path, row):
    """With its line, as an editor counts."""
    path = tmp_path / "rows.csv"
    path.write_text(f'shop,note\nde,"two\nlines"\n\n{row}\n')
    match = "rows.csv, line 5: a row has more or fewer values than the header"
    with pytest.raises(ValueError, match=match):
        read_rows(path, 10)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("by", ["hour", "day"])
def test_a_date_for_ever_is_told_where_a_batch_leads_further(files, zone, by):
    """Others follow it as ever."""
    files.write(
        f'timezone = "{zone}"\n[[phase]]\ntask = "a"\nmanual = true\n'
        '[[phase]]\ntask = "b"\ndependsOn = "a"\n'
        f'batch = {{ for = "48h", by = "{by}" }}\n'
        '[[phase]]\ntask = "c"\ndependsOn = "a"\ntemplate = "{yyyy}"\n'
    )
    sent = Flow(files).after(done("a", "s3://b?date=9999-12-31"))
    found = sorted((it.type, it.info, it.result) for it in sent)
    assert found == [("b", "s3://b?date=9999-12-31", "alert"), ("c", "9999", "")]
    told = next(it.msg for it in sent if it.result)
    assert told.endswith("of its batch from 9999-12-31 on lead out of the calendar")


def test_lengths_beyond_the_calendar_end_nothing(files):
    """A deadline that never comes, and no firing that is too old to be made up for."""
    files.write(f'{OTHER}deadline = "99999999h"\nmissed_window = "99999999h"\n')
    flow = Flow(files)
    flow.pass_time(minutes=1)
    flow.clock.advance(8 * 3600)
    assert [it.type for it, _ in flow.pass_time(minutes=1)] == ["other"]
