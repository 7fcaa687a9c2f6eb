"""The demo show's picture follows the counter."""
import subprocess
import time

from PIL import Image

from demo import programme
from live.video.engine import ffmpeg_path


def test_a_newly_painted_still_is_in_the_film_seconds_later(tmp_path):
    programme._sprites(tmp_path)
    film, last = tmp_path / "film.flv", tmp_path / "last.png"
    Image.new("RGB", (360, 640), "red").save(tmp_path / "show.png")
    with subprocess.Popen([*programme.words(tmp_path, "show"), "-t", "10", "-f", "flv", str(film)]) as running:
        time.sleep(2)
        Image.new("RGB", (360, 640), "green").save(tmp_path / "new.png")
        (tmp_path / "new.png").replace(tmp_path / "show.png")
        assert running.wait(40) == 0
    subprocess.run([ffmpeg_path(), "-loglevel", "error", "-y", "-ss", "8", "-i", str(film), "-frames:v", "1",
                    str(last)], check=True, timeout=30)
    red, green, _blue = Image.open(last).convert("RGB").getpixel((10, 600))
    assert green > red
