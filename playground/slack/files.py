"""Files: an upload URL, the bytes, the sharing, and the download that needs a token.

https://docs.slack.dev/messaging/working-with-files
"""

import mimetypes
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from playground.slack.ids import new_id, new_secret
from playground.slack.journal import Journal

ALT_TEXT_MOST = 1_000


@dataclass
class StoredFile:
    """One file, before and after its bytes came."""

    id: str
    name: str
    length: int
    created: int
    user: str
    alt_txt: str = ""
    title: str = ""
    upload_path: str = ""
    complete: bool = False
    shares: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def mimetype(self) -> str:
        """Return the media type that the name suggests."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


class Files:
    """Every file; bytes are in memory, and in the state folder too if there is one."""

    def __init__(self, journal: Journal, base_url: str, team: str) -> None:
        self._journal = journal
        self._base_url = base_url
        self._team = team
        self._files: dict[str, StoredFile] = {}
        self._bytes: dict[str, bytes] = {}

    def expect(self, name: str, length: int, alt_txt: str, created: int, user: str) -> StoredFile:
        """Return a file whose bytes may now be posted to its upload path."""
        file = StoredFile(new_id("F"), name, length, created, user, alt_txt, title=name)
        file.upload_path = f"/upload/v1/{new_secret(48)}"
        self._files[file.id] = file
        return file

    def receive(self, path: str, content: bytes) -> StoredFile | None:
        """Take the bytes for an upload path; None when nobody expects them or the length is another one."""
        file = next((f for f in self._files.values() if f.upload_path == path and not f.complete), None)
        if file is None or len(content) != file.length:
            return None
        self._bytes[file.id] = content
        if self._journal.folder is not None:
            (self._journal.folder / file.id).write_bytes(content)
        return file

    def complete(self, file_id: str, title: str | None) -> StoredFile | None:
        """Close the upload; None when there is no such file or its bytes never came."""
        file = self._files.get(file_id)
        if file is None or file_id not in self._bytes:
            return None
        file.title = title or file.name
        file.complete = True
        self._journal.append("file", file=asdict(file))
        return file

    def share(self, file: StoredFile, channel: str, ts: str) -> None:
        """Remember in which message of which channel a file stands."""
        file.shares.setdefault(channel, []).append({"ts": ts})
        self._journal.append("file", file=asdict(file))

    def find(self, file_id: str) -> StoredFile | None:
        """Return a file whose upload was completed."""
        file = self._files.get(file_id)
        return file if file is not None and file.complete else None

    def content(self, file_id: str) -> bytes | None:
        """Return the bytes of a file, or None."""
        return self._bytes.get(file_id)

    def restore(self, row: dict[str, Any]) -> None:
        """Put back a file from the journal."""
        file = StoredFile(**row)
        path = self._journal.folder / file.id if self._journal.folder else None
        if path is not None and path.exists():
            self._files[file.id], self._bytes[file.id] = file, path.read_bytes()

    def shown(self, file: StoredFile) -> dict[str, Any]:
        """Return the file object: https://docs.slack.dev/reference/objects/file-object"""
        extension = PurePosixPath(file.name).suffix.lstrip(".") or "binary"
        last = quote(PurePosixPath(file.name).name or "file")
        private = f"{self._base_url}/files-pri/{self._team}-{file.id}/{last}"
        shares = {channel: [{**where} for where in wheres] for channel, wheres in file.shares.items()}
        return {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype(),
            "filetype": extension,
            "pretty_type": extension.upper(),
            "user": file.user,
            "mode": "hosted",
            "size": file.length,
            "alt_txt": file.alt_txt,
            "is_external": False,
            "is_public": True,
            "channels": [*shares],
            "shares": {"public": shares} if shares else {},
            "url_private": private,
            "url_private_download": private + "?download=1",
            "permalink": f"{self._base_url}/files/{file.user}/{file.id}/{last}",
        }
