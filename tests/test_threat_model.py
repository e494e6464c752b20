import pytest

from zsrobust.errors import SettingsError
from zsrobust.threat_model import ThreatModel, format_eps, parse_eps


def test_radii_are_written_as_fractions_of_255():
    assert parse_eps("4/255") == 4 / 255
    assert parse_eps(0.5) == 0.5
    assert format_eps(4 / 255) == "4/255"
    assert format_eps(0.5 / 255) == "0.5/255"
    assert format_eps(0.0) == "0"


def test_a_bare_4_is_refused_with_the_likely_meaning():
    with pytest.raises(SettingsError, match=r'exceeds 1.*Did you mean "4/255"'):
        parse_eps(4)


def test_an_l2_radius_may_exceed_1():
    assert parse_eps("2.5", "l2") == 2.5


@pytest.mark.parametrize("text", ["four", "1/0", "nan", "-1/255", "inf", "", "4/255/2", "1e999/3"])
def test_what_is_no_radius_is_refused(text):
    with pytest.raises(SettingsError):
        parse_eps(text)


def test_a_threat_model_refuses_unknown_norms_and_impossible_radii():
    with pytest.raises(SettingsError, match=r"Unknown norm 'linff'\. Did you mean 'linf'"):
        ThreatModel("linff", 0.1)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="exceeds 1"):
        ThreatModel("linf", 4.0)
    with pytest.raises(SettingsError, match="negative"):
        ThreatModel("l2", -1.0)
    assert ThreatModel("linf", 2 / 255).eps_text == "2/255"
