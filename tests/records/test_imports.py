import subprocess
import sys
from pathlib import Path

import zsrobust.records


def test_records_never_import_torch():
    files = sorted(Path(zsrobust.records.__file__).parent.glob("*.py"))
    assert len(files) > 5
    lines = [f"import zsrobust.records.{file.stem}" for file in files]
    lines += ["import sys", "sys.exit('torch' in sys.modules)"]
    assert subprocess.run([sys.executable, "-c", "\n".join(lines)], check=False).returncode == 0
