"""The pages: plain ES modules, SVG and styles, in English and Persian."""
