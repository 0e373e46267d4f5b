import nuke

nuke.menu("Nodes").addMenu("vfxstyle").addCommand("VfxStyle", "nuke.createNode('VfxStyle')")  # vfxstyle hosts install
