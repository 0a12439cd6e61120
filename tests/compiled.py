"""Templates that were compiled once, for all applications of a run."""

from jinja2.bccache import Bucket, BytecodeCache


class Compiled(BytecodeCache):
    """Keeps the code of templates in memory; a template that was changed has another checksum, and is compiled anew."""

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template its code, where it was compiled before."""
        if code := self.code.get(f"{bucket.key}|{bucket.checksum}"):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        self.code[f"{bucket.key}|{bucket.checksum}"] = bucket.bytecode_to_string()
