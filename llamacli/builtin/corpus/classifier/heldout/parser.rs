use std::collections::HashMap;

pub struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Reader { rest: text, line: 1 }
    }

    pub fn pairs(&mut self) -> Result<HashMap<String, String>, String> {
        let mut found = HashMap::new();
        while let Some((head, tail)) = self.rest.split_once('\n') {
            self.rest = tail;
            self.line += 1;
            let trimmed = head.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            match trimmed.split_once('=') {
                Some((key, value)) => {
                    found.insert(key.trim().to_string(), value.trim().to_string());
                }
                None => return Err(format!("line {}: no equals sign", self.line)),
            }
        }
        Ok(found)
    }
}
