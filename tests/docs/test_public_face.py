import subprocess
import sys

import zsrobust


def test_every_public_name_can_be_imported_and_nothing_else_is_promised():
    for name in zsrobust.__all__:
        assert getattr(zsrobust, name) is not None
    assert set(zsrobust.__all__) == {
        "Model", "ThreatModel", "__version__", "attack", "attention_map", "evaluate", "finetune",
        "load_classifier", "load_model",
    }  # fmt: skip


def _fresh(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_zsrobust_and_asking_for_help_load_no_torch():
    code = (
        "import sys, zsrobust\n"
        "first = 'torch' in sys.modules\n"
        "from zsrobust.cli.main import main\n"
        "main(['--help'])\n"
        "heavy = {'torch', 'open_clip', 'datasets', 'pyarrow', 'matplotlib'} & set(sys.modules)\n"
        "print(first, sorted(heavy))"
    )
    assert _fresh(code).endswith("False []")
