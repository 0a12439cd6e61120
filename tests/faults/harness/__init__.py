"""`make faults`: a whole hotline is killed, stopped, flushed and filled while signed traffic flows, and then it is accounted for.

It stands beside the tests of faults because it proves the same promises with the same real processes; it is a program and no
test because its answer is a table with figures, a seed and a report, and because it may run for half an hour.

* `parts`: what is broken: a hotline of real processes, its own PostgreSQL and Redis, and a gateway.
* `traffic`: texts as a gateway posts them, each again until it hears 2xx.
* `acts`: one after another, what is done to the parts while the traffic flows; `breaking` says how, `stage` how much.
* `facts`: what was seen, as plain values: texts, rows, tries, accepts.
* `books`: reads rows into facts, opening every seal.
* `accounting`: the rules; facts in (laid out by `ledger`), `lines` out. Knows no database, so its own tests can feed it a lie.
* `report`: the table on the screen and for docs/evidence.
"""
