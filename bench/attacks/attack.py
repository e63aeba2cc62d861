"""The base class of the attacks."""


class Attack:
    """prepare() is called once, before the programs start; begin() and end() around each measurement beside the attack.
    Every attack is bounded: end() stops its processes, and each attack has its own rate and number."""

    name = means = resource = what = None
    rounds = None  # fewer than those of the run, if the first round leaves nothing for the next
    settings = {}  # of the dispatcher
    api_settings = {}
    named_victims = False  # the victims' webhooks have names, which a name server of the attack resolves

    def __init__(self):
        self.notes, self.memory = [], {}
        self.children = []

    def prepare(self, stage):
        pass

    def begin(self, stage, number):
        raise NotImplementedError

    def end(self, stage):
        for child in self.children:
            child.stop()
        self.children = []
        stage.disable_attackers()

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)
