"""Two documents with answers that they support, and answers with planted inventions."""

from __future__ import annotations

QUEUE = """# Tidewater

Tidewater is a small message queue that keeps its messages in SQLite. It was written in 2019 by Mara Holt and is
released under the Apache licence.

## Install

Install it with pip:

```bash
pip install tidewater
```

Python 3.10 or newer is required. Windows is not supported, since the queue needs POSIX file locks.

## Queues

A queue is made by `open_queue(path, max_size=5000)`. When the queue is full, `put` blocks for up to 30 seconds and then
raises `QueueFull`. `get` returns the oldest message first; with `newest=True` it returns the latest one. Messages are
never lost after a crash, because every write is flushed to disk before `put` returns.

- `max_size`: how many messages the queue holds at most
- `timeout`: seconds that `put` waits, 30 by default
- `newest`: whether the newest message is taken first

## Workers

A worker process reads messages in batches of 64. If a handler raises an exception, the message is put back and tried
again after 5 minutes, at most three times. After the third failure it moves to the dead letter table, which the command
`tidewater dead` lists. Workers do not share connections: each one opens its own. The pool size should not exceed the
number of cores.

## Monitoring

The Prometheus exporter listens on port 9187. Grafana dashboards are in the folder `contrib`. Metrics are kept for two
weeks unless `retention` is set.
"""
STARTER = """# Sourdough starter

A starter is a mix of flour and water in which wild yeast and lactic acid bacteria live. Rye flour ferments faster than
wheat flour because it holds more enzymes and minerals.

Feed the starter once a day at 24 °C, or once a week when it stands in the refrigerator. For a feeding, discard all but
50 g of the starter and stir in 100 g of water and 100 g of flour. Do not use chlorinated water: chlorine kills the
yeast. Tap water that stood overnight is fine.

## When it is ready

The starter is ready when it doubles in volume within four to six hours. A spoonful then floats in water. If a grey
liquid called hooch collects on top, the starter is hungry; pour it off or stir it in, both are safe. Pink or orange
streaks are a sign of harmful bacteria, and such a starter must be thrown away.

## Storage

A starter keeps in the refrigerator for up to two months without feeding. Freezing is possible but weakens the yeast. To
dry it, spread it thinly on baking paper, let it dry for two days at room temperature and keep the flakes in an airtight
jar. Dried flakes last for years. Metal lids should be avoided, since acid corrodes them. Anna's grandmother in Bergen
kept hers from 1931 until 1987.
"""
# Answers that the documents support, most of them reworded: other order, other words, several sentences in one.
TRUE = {
    QUEUE: [
        "Tidewater is a message queue that stores its messages in SQLite.",
        "Mara Holt wrote Tidewater in 2019, and it is released under the Apache licence.",
        "You can install Tidewater with pip:\n\n```bash\npip install tidewater\n```",
        "Tidewater requires Python 3.10 or newer.",
        "No. Windows is not supported because the queue needs POSIX file locks.",
        "Windows isn't supported, because Tidewater needs POSIX file locks.",
        "A queue holds at most `max_size` messages, which is 5000 by default.",
        "When the queue is full, `put` waits for up to 30 seconds; after that it raises `QueueFull`.",
        "`put` raises `QueueFull` if the queue is still full after 30 seconds.",
        "By default `get` returns the oldest message first. With `newest=True`, the latest message is returned.",
        "No messages are lost after a crash, because every write is flushed to disk before `put` returns.",
        "Every write is flushed to disk before `put` returns, so messages are never lost after a crash.",
        "The message is put back and tried again after 5 minutes, at most three times.",
        "If a handler raises an exception, its message goes back into the queue and is retried after 5 minutes, up to three times.",
        "After the third failure the message moves to the dead letter table. The command `tidewater dead` lists it.",
        "Each worker opens its own connection; connections are not shared between workers.",
        "Workers don't share connections: every worker opens its own.",
        "The pool size should not be larger than the number of cores.",
        "The Prometheus exporter listens on port 9187.",
        "Port 9187 is used by the Prometheus exporter.",
        "Metrics are kept for two weeks unless you set `retention`.",
        "You find the Grafana dashboards in the folder `contrib`.",
        "The queue has these options:\n\n- `max_size`: the most messages that the queue holds\n- `timeout`: seconds that `put` waits (30 by default)",
        "Worker processes read messages in batches of 64.",
    ],
    STARTER: [
        "A starter is a mixture of flour and water in which wild yeast and lactic acid bacteria live.",
        "Rye flour ferments faster, because it has more enzymes and minerals than wheat flour.",
        "Feed it once a day at 24 °C. In the refrigerator, once a week is enough.",
        "Discard all but 50 g of the starter and stir in 100 g of water and 100 g of flour.",
        "To feed the starter:\n\n1. Discard all but 50 g of it.\n2. Stir in 100 g of water and 100 g of flour.",
        "Chlorinated water should not be used, because chlorine kills the yeast.",
        "Avoid chlorinated water: the chlorine kills the yeast.",
        "It is ready when its volume doubles within four to six hours. A spoonful of it then floats in water.",
        "The grey liquid is called hooch. It means that the starter is hungry; you can pour it off or stir it in, both are safe.",
        "Pink or orange streaks are a sign of harmful bacteria. Such a starter must be thrown away.",
        "Throw the starter away: pink or orange streaks are a sign of harmful bacteria.",
        "It keeps for up to two months in the refrigerator without feeding.",
        "Yes, freezing is possible, but it weakens the yeast.",
        "Spread it thinly on baking paper, let it dry at room temperature for two days, and keep the flakes in an airtight jar.",
        "Metal lids should be avoided because acid corrodes them.",
        "Anna's grandmother kept her starter in Bergen from 1931 until 1987.",
        "Dried flakes keep for years.",
        "Yes. Tap water is fine if it stood overnight.",
    ],
}
# Answers that they do not support, by what is wrong with them.
FALSE = {
    QUEUE: [
        ("number", "A queue holds at most `max_size` messages, which is 10000 by default."),
        ("number-other", "When the queue is full, `put` waits for up to 64 seconds; after that it raises `QueueFull`."),
        ("number-other", "The Prometheus exporter listens on port 5000."),
        ("number", "Tidewater was written in 2015 by Mara Holt."),
        ("number-other", "Worker processes read messages in batches of 30."),
        ("number", "The message is put back and tried again after 10 minutes, at most three times."),
        ("number-other", "The message is put back and tried again after 30 minutes, at most three times."),
        ("number-other", "Metrics are kept for three weeks unless `retention` is set."),
        ("entity", "The Grafana exporter listens on port 9187."),
        ("entity", "Prometheus dashboards are in the folder `contrib`."),
        ("entity", "When the queue is full, `get` blocks for up to 30 seconds and then raises `QueueFull`."),
        ("entity", "`put` returns the oldest message first."),
        ("entity", "Grafana wrote Tidewater in 2019."),
        ("entity", "Mara Holt is not supported, since the queue needs POSIX file locks."),
        ("entity", "Windows 3.10 or newer is required."),
        ("entity", "Tidewater keeps its messages in Redis."),
        ("negation", "Windows is supported, since the queue needs POSIX file locks."),
        ("negation", "Windows is supported."),
        ("negation", "Messages are lost after a crash, because every write is flushed to disk before `put` returns."),
        ("negation", "Workers share connections."),
        ("negation", "The pool size should exceed the number of cores."),
        ("negation", "Python 3.10 or newer is not required."),
        ("negation", "The Prometheus exporter does not listen on port 9187."),
        ("negation", "When the queue is full, `put` does not block for up to 30 seconds."),
        ("antonym", "`get` returns the newest message first by default."),
        ("antonym", "Every write is flushed to disk after `put` returns."),
        ("antonym", "Python 3.10 or older is required."),
        ("antonym", "`max_size` is how many messages the queue holds at least."),
        ("invention", "Tidewater supports clustering across several machines through the Raft protocol."),
        ("invention", "The dead letter table is emptied automatically every night."),
        ("invention", "Tidewater encrypts its messages with AES before they are written to disk."),
        ("invention", "A worker can be stopped gracefully by sending it SIGTERM."),
        ("invention", "The queue can be compacted with `tidewater vacuum`."),
        ("invention", "Messages can have priorities from low to high, and workers take high ones first."),
        ("invention", "If a handler raises an exception, the worker process is restarted and an e-mail is sent to the administrator."),
        ("invention", "The exporter requires a password for access from other hosts."),
        ("code", "Install it with conda:\n\n```bash\nconda install tidewater\n```"),
        ("code", 'Open a queue like this:\n\n```python\nqueue = open_queue("jobs.db", max_size=5000)\n```'),
        ("mixed", "The Prometheus exporter listens on port 9187. It also serves a health check under `/healthz`."),
        ("mixed", "After the third failure the message moves to the dead letter table. An alert is then raised in Slack."),
        (
            "mixed",
            "The queue has these options:\n\n- `max_size`: how many messages it holds at most\n- `compression`: whether messages are compressed",
        ),
    ],
    STARTER: [
        ("entity", "Wheat flour ferments faster than rye flour because it holds more enzymes and minerals."),
        ("number", "Feed the starter once a day at 30 °C."),
        ("number-other", "Feed the starter once a day at 50 °C."),
        ("number-other", "A starter keeps in the refrigerator for up to six months without feeding."),
        ("number-other", "Discard all but 100 g of the starter and stir in 50 g of water."),
        ("negation", "Use chlorinated water: chlorine kills the yeast."),
        ("negation", "Tap water that stood overnight is not fine."),
        ("negation", "Freezing is not possible."),
        ("negation", "A starter keeps in the refrigerator for up to two months with feeding."),
        ("negation", "The grey liquid must not be stirred in."),
        ("antonym", "Rye flour ferments slower than wheat flour."),
        ("antonym", "The starter is ready when it halves in volume within four to six hours."),
        ("antonym", "Pink or orange streaks are a sign of harmless bacteria."),
        ("entity", "Pink or orange hooch collects on top when the starter is hungry."),
        ("entity", "Grey streaks are a sign of harmful bacteria."),
        ("entity", "Anna kept hers in Oslo from 1931 until 1987."),
        ("entity", "Acid lids should be avoided, since metal corrodes them."),
        ("number-other", "Anna's grandmother kept hers from 1987 until 1931."),
        ("invention", "Adding a spoonful of honey speeds up the fermentation."),
        ("invention", "The starter should be kept in a glass jar with a cloth over it."),
        ("invention", "A starter made with spelt flour smells of apples."),
        ("invention", "Freezing the starter kills harmful bacteria."),
        ("invention", "Dried flakes are revived in lukewarm milk."),
        ("invention", "The volume of the starter depends on the height above sea level."),
        ("mixed", "Yes, freezing is possible, but it weakens the yeast. Thaw it slowly over a night in the refrigerator."),
        ("mixed", "It is ready when it doubles in volume within four to six hours. It then smells of vinegar."),
    ],
}
