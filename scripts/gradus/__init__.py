"""Gradus: from a folder of documents to a graded, promoted, exported language model on one machine.

One package a step (`collect` … `export`) over a shared floor: `config`, `step`, `cli`, `log`, `records`,
`files`, `models`, `backend`. A room imports the floor, never another room; what passes between rooms is files.
"""

__version__ = "0.1.0"
