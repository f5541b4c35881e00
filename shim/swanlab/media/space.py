"""Things in space: clouds of points, models, molecules."""

from .arrays import array_of, finite
from .item import MediaItem, extension_of, path_of

MODELS = ("glb", "gltf", "obj", "stl", "ply")
MOLECULES = ("pdb", "sdf", "mol", "xyz", "cif")
_POINTS = "swanlab.pts.json"
_GOLDEN = 0.61803398875  # steps of this round the circle of hues come to lie far from each other


class Object3D(MediaItem):
    """Points in space, or a model.

    Points are an array of (N, 3): x y z; (N, 4): x y z and a class, which gives the colour; (N, 6): x y z red green blue,
    0 to 255; or a dict of `points` and `boxes` (dicts of `color`, `corners`, `label`, `score`). A path is that of a .glb or
    another model, or of points in JSON.
    """

    type = "object3d"

    def __init__(self, data, caption=None, **_ignored):
        super().__init__(data, caption)

    @classmethod
    def from_point_data(cls, points, boxes=None, caption=None, **_ignored):
        """Make one of points and boxes."""
        return cls({"points": points, "boxes": boxes or []}, caption)

    def _take(self, data):
        path = path_of(data)
        if path is not None:
            extension = _POINTS if path.endswith(".pts.json") else extension_of(path)
            if extension != _POINTS and extension not in MODELS:
                raise ValueError("%r is no model; accepted are %s, pts.json" % (path, ", ".join(MODELS)))
            self._keep_file(path, extension)
            return
        boxes = []
        if isinstance(data, dict):
            data, boxes = data.get("points"), data.get("boxes") or []
        array = array_of(data)
        if array is None:
            raise TypeError("points of type %s cannot be used; accepted are arrays, dicts, paths" % type(data).__name__)
        self._keep_points(_coloured(array), boxes)

    def _keep_points(self, points, boxes):
        from json import dumps

        from ..configuration import plain

        content = dumps({"points": points, "boxes": plain(boxes)}, separators=(",", ":"))
        self._keep(content.encode("ascii"), _POINTS, points=len(points))


def _coloured(array):
    """Give back lists of x, y, z, red, green, blue."""
    if array.ndim != 2 or array.shape[1] not in (3, 4, 6):
        accepted = "(N, 3), (N, 4), (N, 6)"
        raise ValueError("an array of shape %s is no cloud of points; accepted are %s" % (tuple(array.shape), accepted))
    rows = finite(array).tolist()
    if array.shape[1] == 6:
        return [row[:3] + [int(min(max(colour, 0), 255)) for colour in row[3:]] for row in rows]
    return [row[:3] + _colour_of(int(row[3]) if len(row) == 4 else 0) for row in rows]


def _colour_of(number):
    """Give back red, green and blue for the class with this number; equal numbers give equal colours."""
    from colorsys import hsv_to_rgb

    return [round(255 * part) for part in hsv_to_rgb(0.58 + number * _GOLDEN, 0.75, 0.9)]


class Molecule(MediaItem):
    """A molecule: the path of a PDB, SDF, MOL, XYZ or CIF file, an RDKit molecule, or SMILES text."""

    type = "molecule"

    def __init__(self, data, caption=None, **_ignored):
        super().__init__(data, caption)

    @classmethod
    def from_smiles(cls, smiles, caption=None, **_ignored):
        """Make one of SMILES text."""
        return cls(smiles, caption)

    @classmethod
    def from_pdb(cls, path, caption=None, **_ignored):
        """Make one of a PDB file."""
        return cls(path, caption)

    from_sdf_file = from_sdf = from_mol_file = from_mol = from_pdb_file = from_pdb

    def _take(self, data):
        path = path_of(data)
        if path is not None and extension_of(path) in MOLECULES:
            self._keep_file(path, extension_of(path))
        elif path is not None and path == data:
            self._take_smiles(data)
        elif hasattr(data, "GetNumAtoms"):
            from rdkit.Chem import MolToPDBBlock  # the program's: the molecule is one of its

            self._keep(MolToPDBBlock(data).encode("utf-8"), "pdb")
        else:
            accepted = "paths (%s), RDKit molecules, SMILES" % ", ".join(MOLECULES)
            raise TypeError("a molecule of type %s cannot be used; accepted are %s" % (type(data).__name__, accepted))

    def _take_smiles(self, smiles):
        """Keep the atoms' places if RDKit is there to find them, else the text."""
        try:
            from rdkit import Chem
            from rdkit.Chem import AllChem
        except ImportError:
            self._keep(smiles.encode("utf-8"), "smi")
            return
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            raise ValueError("%.80r is no SMILES" % smiles)
        molecule = Chem.AddHs(molecule)
        AllChem.EmbedMolecule(molecule, randomSeed=0)
        self._keep(Chem.MolToPDBBlock(molecule).encode("utf-8"), "pdb", smiles=smiles)
