"""The same rows give the same reference from any file and frame; what cannot be read is a finding."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import csv, feather, ipc, parquet

from failsoft.drift import Accumulator, codes, fit, fit_arrays
from failsoft.drift.data import DataError, FrameSource, open_data
from failsoft.drift.data.delimiter import Undecided, delimiter_of
from failsoft.drift.data.problems import reading

AT = datetime(2026, 11, 21, tzinfo=UTC)
DICE = np.random.default_rng(4)
ROWS = pa.table(
    {
        "x": pa.array(np.round(DICE.normal(size=3_000), 3), mask=np.arange(3_000) % 11 == 0),
        "count": pa.array(DICE.integers(0, 9, 3_000)),
        "plan": pa.array(DICE.choice(["free", "pro", 'te"am', "a,b", None], 3_000).tolist()),
        "ok": pa.array([None if i % 9 == 0 else i % 2 == 0 for i in range(3_000)]),
        "at": pa.array([datetime(2026, 1, 1 + i % 28, i % 24) for i in range(3_000)], pa.timestamp("s")),  # noqa: DTZ001
    }
)
WANTED = fit(FrameSource(ROWS), at=AT)


def write_parquet(path):
    parquet.write_table(ROWS, path, row_group_size=700)


def write_csv(path):
    csv.write_csv(ROWS, path)


def write_semicolons(path):
    csv.write_csv(ROWS, path, csv.WriteOptions(delimiter=";"))


def write_arrow(path):
    with ipc.new_file(str(path), ROWS.schema) as stream:
        stream.write_table(ROWS, max_chunksize=999)


def write_stream(path):
    with ipc.new_stream(str(path), ROWS.schema) as stream:
        stream.write_table(ROWS)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("rows.parquet", write_parquet),
        ("rows.csv", write_csv),
        ("semi.csv", write_semicolons),
        ("rows.arrow", write_arrow),
        ("stream.arrow", write_stream),
        ("rows.feather", lambda path: feather.write_feather(ROWS, str(path))),
    ],
)
def test_every_file_gives_the_same_reference_and_the_same_counts(tmp_path, name, write):
    write(tmp_path / name)
    source = open_data(tmp_path / name)
    assert fit(source, at=AT).digest == WANTED.digest
    window, whole = Accumulator(WANTED), Accumulator(WANTED)
    for batch in source.batches(list(WANTED.features)):
        window.update(batch)
    for batch in FrameSource(ROWS).batches(list(WANTED.features)):
        whole.update(batch)
    assert window == whole


@pytest.mark.parametrize("frame", [pl.from_arrow(ROWS), pl.from_arrow(ROWS).lazy(), ROWS])
def test_every_frame_gives_the_same_reference(frame):
    assert fit(FrameSource(frame), at=AT).digest == WANTED.digest


def test_arrays_give_the_same_reference():
    arrays = {name: ROWS[name].to_pylist() for name in ROWS.column_names}
    assert fit_arrays(arrays, at=AT).digest == WANTED.digest


def test_columns_are_read_in_groups_when_rows_are_many(monkeypatch):
    monkeypatch.setattr("failsoft.drift.fitting._BYTES_AT_ONCE", 2 * 8 * ROWS.num_rows)
    seen = []
    source = FrameSource(ROWS)
    read = source.batches
    source.batches = lambda columns: seen.append(len(columns)) or read(columns)
    assert fit(source, at=AT).digest == WANTED.digest
    assert seen == [2, 2, 1]


def test_a_number_that_shows_late_widens_the_guess(tmp_path):
    lines = ["n,t", *("1,2" for _ in range(400_000)), "1.5,x"]
    (tmp_path / "late.csv").write_text("\n".join(lines))
    features = fit(open_data(tmp_path / "late.csv"), at=AT).features
    assert (features["n"].kind, features["n"].rows) == ("numeric", 400_001)
    assert (features["t"].kind, features["t"].categories) == ("categorical", ("2", "x"))


def test_codes_with_leading_zeros_stay_what_they_are_when_the_reference_has_texts(tmp_path):
    (tmp_path / "a.csv").write_text("zip\n01\n1\n")
    source = open_data(tmp_path / "a.csv", types={"zip": "text"})
    assert [batch["zip"].counts for batch in source.batches(["zip"])] == [{"01": 1, "1": 1}]


def test_a_frame_is_no_list():
    with pytest.raises(DataError, match="narwhals"):
        FrameSource([1, 2])


def found(path, **how):
    with pytest.raises(DataError) as caught:
        read(path, **how)
    return caught.value.finding


def read(path, **how):
    source = open_data(path, **how)
    return list(source.batches(source.columns))


@pytest.mark.parametrize("kept", [0, 3, 1_000, -1])
def test_a_truncated_parquet_is_a_finding(tmp_path, kept):
    write_parquet(tmp_path / "rows.parquet")
    whole = (tmp_path / "rows.parquet").read_bytes()
    (tmp_path / "rows.parquet").write_bytes(whole[:kept])
    finding = found(tmp_path / "rows.parquet")
    assert finding.code is codes.DATA_UNREADABLE
    assert finding.place.path == "rows.parquet"


def test_a_parquet_with_a_broken_page_is_a_finding(tmp_path):
    parquet.write_table(ROWS, tmp_path / "rows.parquet", compression="zstd")
    whole = bytearray((tmp_path / "rows.parquet").read_bytes())
    whole[40:400] = b"\xff" * 360
    (tmp_path / "rows.parquet").write_bytes(whole)
    assert found(tmp_path / "rows.parquet").code is codes.DATA_UNREADABLE


def test_a_late_byte_that_is_no_text_is_a_finding(tmp_path, monkeypatch):
    monkeypatch.setattr("failsoft.drift.data.csvs._BLOCK", 64)
    (tmp_path / "rows.csv").write_bytes(b"plan,amount\n" + b"free,1\n" * 99 + b"\xff\xfe,1\n")
    finding = found(tmp_path / "rows.csv")
    assert (finding.code, finding.place.path) == (codes.DATA_UNREADABLE, "rows.csv")
    assert finding.message.startswith("cannot be read: ")
    assert "UTF8" in finding.message


def test_a_dictionary_that_cannot_be_read_is_a_finding(tmp_path):
    plans = pa.DictionaryArray.from_arrays([0, 1, 0], pa.array([{"name": "free"}, {"name": "pro"}]))
    feather.write_feather(pa.table({"plan": plans}), tmp_path / "rows.arrow", compression="uncompressed")
    finding = found(tmp_path / "rows.arrow")
    assert finding.code is codes.DATA_UNREADABLE
    assert finding.message.startswith("'plan': ")


@pytest.mark.parametrize(("said", "first"), [("", "ArrowInvalid"), ("\n", "ArrowInvalid"), ("one\ntwo", "one")])
def test_an_error_that_says_nothing_is_a_finding_too(said, first):
    with pytest.raises(DataError, match=f"^cannot be read: {first}$"), reading("rows.csv"):
        raise pa.ArrowInvalid(said)


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("a;b,c\n1;2,3\n", codes.DATA_UNREADABLE, "',' and ';'"),
        ("a,b\n1,2\n1;2\n", codes.DATA_UNREADABLE, "when divided by ',', line 3 has 1 field, and the header 2"),
        ("", codes.DATA_UNREADABLE, "no header"),
        ("a,a\n1,2\n", codes.DATA_COLUMNS, "'a'"),
        ("a,b\n1,2\n1,2,3\n", codes.DATA_UNREADABLE, "line 3 has 3 fields, and the header 2"),
        ('a,b\n\n"1\n2",2\n1\n', codes.DATA_UNREADABLE, "line 5 has 1 field"),
    ],
)
def test_a_csv_that_nobody_can_be_sure_of_is_a_finding(tmp_path, text, code, word):
    (tmp_path / "rows.csv").write_text(text)
    finding = found(tmp_path / "rows.csv")
    assert finding.code is code
    assert word in finding.message
    assert ("--delimiter" in finding.hint) is ("may be divided" in finding.message)


def test_a_file_that_is_divided_by_something_else_is_no_single_column(tmp_path):
    (tmp_path / "rows.csv").write_text('age,"tokens"\n1,2\n')
    assert "is not divided by ';', but by ','" in found(tmp_path / "rows.csv", delimiter=";").message
    (tmp_path / "rows.csv").write_text('"age,tokens"\n1\n')
    assert open_data(tmp_path / "rows.csv", delimiter=";").columns == ("age,tokens",)


@pytest.mark.parametrize("delimiter", ["", ","])
@pytest.mark.parametrize("rows", [1, 1_000, 1_500_000], ids=["seen first", "far down", "beyond the first block"])
def test_a_ragged_line_is_told_with_its_number_wherever_it_is(tmp_path, rows, delimiter):
    (tmp_path / "rows.csv").write_text("a,b\n" + "1,2\n" * rows + "1,2,3\n")
    finding = found(tmp_path / "rows.csv", delimiter=delimiter)
    assert finding.code is codes.DATA_UNREADABLE
    assert f"line {rows + 2} has 3 fields, and the header 2" in finding.message


def test_a_quote_that_nobody_closes_is_told_where_it_begins(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n" + "1,2\n" * 100 + '"3,4\n' + "1,2\n" * 100)
    assert (
        "line 102 has 1 field, and the header 2 (a quote in it is open up to line 202)"
        in found(tmp_path / "rows.csv").message
    )


def test_a_value_of_another_type_is_told_with_its_column(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,x\n")
    finding = found(tmp_path / "rows.csv", types={"b": "number"})
    assert finding.code is codes.COLUMN_TYPE
    assert finding.message == "'b' has a value that is no number: 'x'"


def test_what_is_not_there_or_no_data_is_a_finding(tmp_path):
    assert found(tmp_path / "gone.parquet").code is codes.DATA_MISSING
    assert found(tmp_path).code is codes.DATA_MISSING
    (tmp_path / "rows.xlsx").write_text("a")
    assert found(tmp_path / "rows.xlsx").expected
    nested = pa.table({"a": [[1], [2, 3]]})
    parquet.write_table(nested, tmp_path / "nested.parquet")
    assert "list" in found(tmp_path / "nested.parquet").message


def test_a_delimiter_within_quotes_divides_nothing():
    assert delimiter_of(["a,b", '"x;y",1', '"z",2']) == ","
    with pytest.raises(Undecided):
        delimiter_of([" ", ""])
