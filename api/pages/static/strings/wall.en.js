// English, the wall. wall.fa.js has the same keys; a test compares them.

export const strings = {
  "wall.title": "Wall view",
  "wall.previous": "Previous unit (arrow key)",
  "wall.next": "Next unit (arrow key)",
  "wall.pause": "Pause (space)",
  "wall.go": "Go on (space)",
  "wall.full": "Full screen (f)",
  "wall.progress": "Until the next unit",
  "wall.place": "{n} of {all}",
  "wall.nothing": "No unit matches what the address asks for.",
};
